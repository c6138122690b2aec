/* model: what a model folder holds, a static model out of a transformer, what there is to compute on. */
#include "cmd/command.h"
#include "gpu/tensor.h"
#include "lib/model/describe.h"
#include "lib/model/distil.h"

static struct distil_options distil = {
	.dimensions = 256, .sif = 1e-4, .remove = 1, .whiten = 0.25
};
static bool tensors;

static const struct option options[] = {
	OPTION_HEADING("devices"),
	OPTION_HEADING("info MODEL"),
	OPTION_FLAG(0, "tensors", &tensors, "list every tensor with its type and shape"),
	OPTION_HEADING("distil MODEL FOLDER"),
	OPTION_COUNT(0, "dimensions", &distil.dimensions, 1, 65536, "N",
		"dimensions of the static model [256]"),
	OPTION_NUMBER(0, "sif", &distil.sif, 0, 1, "A",
		"weigh a token A / (A + its frequency); 0: all the same [0.0001]"),
	OPTION_NUMBER(0, "remove", &distil.remove, 0, 1, "SHARE",
		"take off this share of what tokens have in common, weighed by frequency [1]"),
	OPTION_NUMBER(0, "whiten", &distil.whiten, 0, 1, "POWER",
		"divide each component by its standard deviation to this power [0.25]"),
	OPTION_END,
};

static const char *const examples[] = {
	"model info all-MiniLM-L6-v2",
	"its modules, sizes, parameters and files",
	"model distil all-MiniLM-L6-v2 fast && embed -m ./fast docs.jsonl",
	"a static model of 256 dimensions out of a transformer, and its vectors",
	"model devices",
	"the processor's kernels and the graphics cards that --device takes",
	NULL,
};

static const struct command command = {
	.name = "model",
	.summary = "describe a model, or distil a static one from it",
	.usage = "info MODEL | distil MODEL FOLDER [OPTION]… | devices",
	.options = options,
	.has = COMMAND_NO_RECORDS,
	.examples = examples,
};

static void write_device(void *context, const char *name, const char *about)
{
	buffer_printf(context, "%s\t%s\n", name, about);
}

static void devices(void)
{
	struct buffer text = { NULL, 0, 0 };
	device_list(write_device, &text);
	command_output_bytes();
	command_write(&text, 0);
	buffer_free(&text);
}

static void info(const char *name)
{
	struct buffer text = { NULL, 0, 0 };
	struct error e;
	if (model_describe(name, tensors, &text, &e))
		command_fail(&e);
	command_output_bytes();
	command_write(&text, 0);
	buffer_free(&text);
}

int main(int argc, char **argv)
{
	struct error e;
	command_begin(&command, argc, argv);
	const char *what = run.n_files ? run.files[0] : "";
	if (strcmp(what, "info") == 0) {
		if (run.n_files != 2)
			command_usage("info takes one MODEL");
		info(run.files[1]);
	} else if (strcmp(what, "distil") == 0) {
		if (run.n_files != 3)
			command_usage("distil takes a MODEL and a FOLDER");
		distil.device = run.device;
		if (model_distil(run.files[1], run.files[2], &distil, &e))
			command_fail(&e);
	} else if (strcmp(what, "devices") == 0) {
		if (run.n_files != 1)
			command_usage("devices takes nothing");
		devices();
	} else {
		command_usage("say what to do: info MODEL, distil MODEL FOLDER or devices");
	}
	return command_end();
}
