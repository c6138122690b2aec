/*
 * Finding model folders. The cache's layout is huggingface_hub's: refs/main of a repository holds
 * the commit, and snapshots/COMMIT is a folder of links, which are followed. One commit is looked
 * up once, so that no two files come from different ones.
 */
#include "lib/model/folder.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "lib/base/buffer.h"
#include "lib/file/mapping.h"

static bool is_folder(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The texts one after the other, in the arena. */
static char *join(struct arena *arena, const char *a, const char *b, const char *c)
{
	struct buffer all = { NULL, 0, 0 };
	buffer_text(&all, a);
	buffer_text(&all, b);
	buffer_text(&all, c);
	char *path = arena_string(arena, buffer_view(&all));
	buffer_free(&all);
	return path;
}

char *folder_path(const char *folder, const char *name, struct arena *arena)
{
	return join(arena, folder, "/", name);
}

bool folder_has(const char *folder, const char *name)
{
	struct arena *arena = arena_new();
	struct stat st;
	bool has = stat(folder_path(folder, name, arena), &st) == 0;
	arena_free(arena);
	return has;
}

int folder_json(const char *folder, const char *name, enum json_type type, struct json *root,
	struct arena *arena, struct error *e)
{
	*root = (struct json){ .type = JSON_ABSENT };
	if (!folder_has(folder, name))
		return 0;
	char *path = folder_path(folder, name, arena);
	struct slice bytes;
	if (mapping_open(path, &bytes, e))
		return -1;
	struct slice text = arena_copy(arena, bytes);
	mapping_close(bytes);
	if (json_read(text, root, e)) {
		if (e)
			e->code = ERROR_MODEL;
		return error_wrap(e, "%s", path);
	}
	if (root->type != type)
		return error_set(e, ERROR_MODEL, "%s: should hold an %s", path,
			type == JSON_OBJECT ? "object" : "array");
	return 1;
}

/* --- Finding ------------------------------------------------------------------------------- */

static const char *variable(const char *name)
{
	const char *value = getenv(name);
	return value && *value ? value : NULL;
}

static char *cache_folder(struct arena *arena)
{
	const char *at;
	if ((at = variable("HF_HUB_CACHE")))
		return join(arena, at, "", "");
	if ((at = variable("HF_HOME")))
		return join(arena, at, "/hub", "");
	if ((at = variable("XDG_CACHE_HOME")))
		return join(arena, at, "/huggingface/hub", "");
	at = variable("HOME");
	return join(arena, at ? at : "", "/.cache/huggingface/hub", "");
}

/* The folder `name` in one of the folders of HEDDLE_MODELS. */
static char *find_listed(const char *name, struct arena *arena)
{
	const char *at = variable("HEDDLE_MODELS");
	while (at) {
		const char *end = strchr(at, ':');
		struct slice folder = { at, end ? (size_t)(end - at) : strlen(at) };
		if (folder.size) {
			char *path = folder_path(arena_string(arena, folder), name, arena);
			if (is_folder(path))
				return path;
		}
		at = end ? end + 1 : NULL;
	}
	return NULL;
}

/*
 * The snapshot of ORG/NAME (or NAME) that refs/main names. 1, 0 where it is not in the cache,
 * -1.
 */
static int find_snapshot(const char *cache, const char *org, const char *name, struct arena *arena,
	char **found, struct error *e)
{
	char *id = join(arena, org, *org ? "/" : "", name);
	struct buffer repository = { NULL, 0, 0 };
	buffer_printf(&repository, "%s/models--", cache);
	for (const char *p = id; *p; p++)
		buffer_text(&repository, *p == '/' ? "--" : (char[]){ *p, 0 });
	char *path = arena_string(arena, buffer_view(&repository));
	buffer_free(&repository);
	if (!is_folder(path) || !folder_has(path, "refs/main"))
		return 0;
	struct slice commit;
	if (mapping_open(folder_path(path, "refs/main", arena), &commit, e))
		return -1;
	struct slice name_of = arena_copy(arena, commit);
	mapping_close(commit);
	while (name_of.size && strchr(" \n\r\t", name_of.data[name_of.size - 1]))
		name_of.size--;
	for (size_t i = 0; i < name_of.size; i++)
		if (!strchr("0123456789abcdef", name_of.data[i]))
			name_of.size = 0;
	*found = join(arena, path, "/snapshots/", arena_string(arena, name_of));
	if (name_of.size && is_folder(*found))
		return 1;
	return error_set(
		e, ERROR_MODEL, "%s: refs/main names no snapshot: fetch the model again", path);
}

char *folder_find(const char *name, struct arena *arena, struct error *e)
{
	struct stat st;
	if (is_folder(name))
		return join(arena, name, "", "");
	if (stat(name, &st) == 0) {
		error_set(e, ERROR_MODEL, "%s: a model is a folder, this is a file", name);
		return NULL;
	}
	char *found = *name && name[0] != '/' ? find_listed(name, arena) : NULL;
	if (found)
		return found;
	const char *slash = strchr(name, '/'), *cache = cache_folder(arena);
	bool repository =
		*name && name[0] != '/' && name[0] != '.' && (!slash || !strchr(slash + 1, '/'));
	int result = repository ? find_snapshot(cache, "", name, arena, &found, e) : 0;
	if (result == 0 && repository && !slash)
		result = find_snapshot(cache, "sentence-transformers", name, arena, &found, e);
	if (result == 0)
		error_set(e, ERROR_NO_INPUT,
			"there is no model \"%s\": no folder of that name here, in HEDDLE_MODELS "
			"(%s) or in the Hugging Face cache (%s)",
			name, variable("HEDDLE_MODELS") ? variable("HEDDLE_MODELS") : "not set",
			cache);
	return result == 1 ? found : NULL;
}
