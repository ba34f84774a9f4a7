/* The manifest of a build of the web client: every file with its size, its SHA-384 and the fields
 * that it is served with, as one text. It is a function of web.pack and the program's version, so
 * that the same source gives the same bytes; its hash is what a release signs (docs/verify.md). */
#ifndef FACES_WEB_MANIFEST_H
#define FACES_WEB_MANIFEST_H

#include "base/buf.h"
#include "faces/web_policy.h"

#define WEB_MANIFEST_MAX ((size_t)4 << 20)
#define WEB_MANIFEST_FIELDS_MAX 16 /* of all files together, and of one */
#define WEB_HASH_LEN 48
/* How a log of releases begins (cli/web_log.h); alone it is one without releases. */
#define WEB_LOG_HEAD "letterlock web log 1\n"

struct web_manifest_file {
	struct slice path;
	uint64_t size;
	uint8_t hash[WEB_HASH_LEN]; /* SHA-384 */
	const struct web_header *fields;
	unsigned n_fields;
};

struct web_manifest;

/* Appends the manifest of a pack. LL_ERR_SYNTAX: a path or field cannot stand in one. */
int web_manifest_put(struct buf *out, const struct web_pack *p, struct slice version) CHECKED;

/* Reads one; it must be exactly what web_manifest_put writes. The result holds views of text.
 * LL_ERR_SYNTAX, LL_ERR_LIMIT, LL_ERR_NOMEM. */
int web_manifest_new(struct slice text, struct web_manifest **ret) CHECKED;
void web_manifest_free(struct web_manifest *m);
struct slice web_manifest_version(const struct web_manifest *m);
/* The path of the file that stands for all paths which are no files, or NULL. */
const struct web_manifest_file *web_manifest_view(const struct web_manifest *m);
/* The fields that every file has. */
const struct web_header *web_manifest_common(const struct web_manifest *m, unsigned *ret_n);
size_t web_manifest_len(const struct web_manifest *m);
const struct web_manifest_file *web_manifest_at(const struct web_manifest *m, size_t i);
const struct web_manifest_file *web_manifest_find(const struct web_manifest *m, struct slice path);

/* SHA-384 of bytes. LL_ERR_CRYPTO. */
int web_hash(struct slice bytes, uint8_t ret[WEB_HASH_LEN]) CHECKED;
/* The beginning of a hash for people to compare: "1a2b 3c4d ...", eight groups. */
#define WEB_HASH_WORDS_LEN 39
void web_hash_words(const uint8_t hash[WEB_HASH_LEN], char ret[WEB_HASH_WORDS_LEN + 1]);

#endif
