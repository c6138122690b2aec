/*
 * folder.h: where a model is. Nothing here touches the network.
 */
#pragma once
#include "lib/base/error.h"
#include "lib/base/memory.h"
#include "lib/record/json.h"

/*
 * The folder of the model called name, the first of:
 *	the folder of that name (a path); HEDDLE_MODELS, a list of folders separated by colons:
 *	the folder of that name in one of them; the Hugging Face cache (HF_HUB_CACHE, else
 *	HF_HOME/hub, else XDG_CACHE_HOME/huggingface/hub, else ~/.cache/huggingface/hub):
 *	models--ORG--NAME/snapshots/COMMIT, where refs/main holds COMMIT. A name without an
 *	organisation is sought as it is, then as sentence-transformers/NAME.
 * In the arena; NULL and an error that says where it looked (66) otherwise.
 */
char *folder_find(const char *name, struct arena *, struct error *);

/* folder/name, in the arena. */
char *folder_path(const char *folder, const char *name, struct arena *);

bool folder_has(const char *folder, const char *name);

/*
 * Read a JSON file of the folder into the arena: its root must be of this type. 1, or 0 with
 * *root of JSON_ABSENT where there is no such file, or -1 and the error (78, 74).
 */
int folder_json(const char *folder, const char *name, enum json_type, struct json *root,
	struct arena *, struct error *);
