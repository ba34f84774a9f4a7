/* The web client's file, web.pack: every file of the client with its type, its compressed form and
 * its Content-Security-Policy. Views into the mapped file; nothing is copied. */
#ifndef FACES_WEB_PACK_H
#define FACES_WEB_PACK_H

#include "base/error.h"
#include "base/slice.h"

#include <stdbool.h>

#define WEB_PACK_ENTRIES_MAX 4096
#define WEB_PACK_FILE_MAX ((size_t)256 << 20)
#define WEB_PACK_ETAG_LEN 24 /* characters, with the quotation marks */

enum web_pack_class {
	WEB_PACK_PAGE,
	WEB_PACK_ASSET, /* its name changes with its content */
	WEB_PACK_WASM_WORKER,
	WEB_PACK_MAIL_FRAME,
	WEB_PACK_SERVICE_WORKER,
	WEB_PACK_OTHER,
	WEB_PACK_LETTER,
	WEB_PACK_CLASSES
};

struct web_pack_entry {
	struct slice path, type, csp; /* csp: empty for the default of its class */
	enum web_pack_class class;
	struct slice identity, gzip; /* gzip: empty where there is none */
	char etag[WEB_PACK_ETAG_LEN + 1];
};

struct web_pack;

/* Reads the index of a pack; file must outlive it. LL_ERR_SYNTAX, LL_ERR_LIMIT, LL_ERR_NOMEM. */
int web_pack_new(struct slice file, struct web_pack **ret) CHECKED;
void web_pack_free(struct web_pack *p);
/* The entry of exactly that path, or NULL. NULL pack is accepted. */
const struct web_pack_entry *web_pack_find(const struct web_pack *p, struct slice path);
size_t web_pack_len(const struct web_pack *p);
const struct web_pack_entry *web_pack_at(const struct web_pack *p, size_t i);

#endif
