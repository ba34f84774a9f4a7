/* What Email's files share: one message under a reader's eye, whether it is in the account or only
 * parsed, and which properties of it are wanted. */
#ifndef FACES_JMAP_EMAIL_H
#define FACES_JMAP_EMAIL_H

#include "base/arena.h"
#include "faces/jmap_priv.h"
#include "mail/meta.h"

/* ---- A message ---- */

struct jmap_email {
	struct account *a;
	uint32_t email; /* 0: parsed from raw */
	struct slice raw;
	struct message_meta m;
	struct buf meta; /* its bytes */
	struct buf header; /* of the message; read when needed */
	bool have_header;
	struct slice blob; /* blob id of the whole */
	char blob_text[16];
};

/* Of the account. LL_ERR_NOTFOUND. */
int jmap_email_open(struct account *a, uint32_t email, struct jmap_email *ret) CHECKED;
/* Of a blob's bytes; both live as long as it. */
int jmap_email_parse(
	struct account *a, struct slice raw, struct slice blob, struct jmap_email *ret) CHECKED;
void jmap_email_done(struct jmap_email *e);
int jmap_email_bytes(struct jmap_email *e, uint64_t offset, uint64_t len, struct buf *out) CHECKED;
/* The message's header. */
int jmap_email_header(struct jmap_email *e, struct slice *ret) CHECKED;
/* Appends a part's content, transfer decoding undone; at most max bytes of it are looked at. */
int jmap_part_content(
	struct jmap_email *e, const struct meta_part *p, uint64_t max, struct buf *out) CHECKED;

/* ---- header:* (RFC 8621 section 4.1.3) ---- */

enum jmap_header_form {
	JMAP_AS_RAW,
	JMAP_AS_TEXT,
	JMAP_AS_ADDRESSES,
	JMAP_AS_GROUPED,
	JMAP_AS_IDS,
	JMAP_AS_DATE,
	JMAP_AS_URLS,
	JMAP_FORMS
};
struct jmap_header {
	const char *key; /* as asked for */
	struct slice name;
	enum jmap_header_form form;
	bool all;
};
/* "header:Name[:asForm][:all]"; false when it is none, or the form is not for this field. */
bool jmap_header_parse(const char *key, struct jmap_header *ret);
/* The value of one field instance. */
void jmap_header_put(struct json_out *o, enum jmap_header_form form, struct slice value);
/* What the property gives for a header. */
void jmap_header_find(struct json_out *o, const struct jmap_header *h, struct slice header);
/* Array of {name, value}. */
void jmap_headers_put(struct json_out *o, struct slice header);
void jmap_addresses_put(struct json_out *o, struct meta_list list);
void jmap_date_put(struct json_out *o, int64_t date, int zone);

/* ---- What is wanted ---- */

#define JMAP_HEADERS_WANTED_MAX 64
struct jmap_part_want {
	uint32_t props; /* bits, by jmap_body.c's table */
	struct jmap_header headers[JMAP_HEADERS_WANTED_MAX];
	size_t n_headers;
};
struct jmap_email_want {
	uint32_t props; /* bits, by jmap_email_get.c's table */
	struct jmap_header headers[JMAP_HEADERS_WANTED_MAX];
	size_t n_headers;
	struct jmap_part_want part;
	bool text_values, html_values, all_values;
	uint64_t max_value; /* bytes; 0: no limit */
};
/* Reads properties, bodyProperties, fetch*; parsing: the defaults of Email/parse. */
enum jmap_error jmap_email_want_read(
	struct jmap_call *c, bool parsing, struct jmap_email_want *ret);
/* Writes the object. */
int jmap_email_put(
	struct jmap_call *c, struct jmap_email *e, const struct jmap_email_want *w) CHECKED;

/* ---- Body (section 4.1.4) ---- */

bool jmap_part_want_read(const json_t *names, struct jmap_part_want *ret);
struct jmap_lists {
	uint32_t *text, *html, *attachments; /* indexes of parts */
	size_t n_text, n_html, n_attachments;
	struct meta_part *parts; /* all */
	size_t n;
};
int jmap_lists_make(const struct message_meta *m, struct jmap_lists *ret) CHECKED;
void jmap_lists_done(struct jmap_lists *l);
void jmap_structure_put(struct json_out *o, struct jmap_email *e, const struct jmap_lists *l,
	uint32_t index, const struct jmap_part_want *w);
void jmap_part_put(struct json_out *o, struct jmap_email *e, const struct jmap_lists *l,
	uint32_t index, const struct jmap_part_want *w);
void jmap_values_put(struct json_out *o, struct jmap_email *e, const struct jmap_lists *l,
	const struct jmap_email_want *w);

/* ---- Blobs ---- */

/* Appends the bytes a blob id names; ret_type (may be NULL) its media type. LL_ERR_NOTFOUND. */
int jmap_blob_read(
	struct account *a, struct slice id, struct buf *out, struct buf *ret_type) CHECKED;
/* The Email that a blob id is the message of; 0: none. */
uint32_t jmap_blob_email(struct slice id);

/* ---- Queries ---- */

/* The tree of a filter, in the arena. */
enum jmap_error jmap_filter_make(
	struct jmap_call *c, const json_t *f, struct arena *mem, const struct email_filter **ret);
/* Words that a filter looks for, for snippets. */
size_t jmap_filter_words(const struct email_filter *f, struct slice *words, size_t max);

enum jmap_error jmap_email_query(struct jmap_call *c);
enum jmap_error jmap_email_query_changes(struct jmap_call *c);
enum jmap_error jmap_email_parse_method(struct jmap_call *c);
enum jmap_error jmap_snippet_get(struct jmap_call *c);

/* ---- Making ---- */

/* Builds a message from the properties of Email/set create. *ret_bad: the property that is wrong.
 */
struct jmap_built {
	const char *bad, *type, *why;
	struct slice missing; /* blob that is not there */
};
int jmap_email_build(
	struct jmap_call *c, json_t *object, struct buf *out, struct jmap_built *ret) CHECKED;
/* Keywords, mailboxes and time of a create or import. */
struct jmap_place {
	struct store_id boxes[EMAIL_MAILBOXES_MAX];
	size_t n_boxes;
	struct slice keywords[KEYWORDS_MAX + 4];
	size_t n_keywords;
	int64_t received; /* 0: now */
};
/* A keyword as JMAP and IMAP may both have it. */
bool jmap_keyword_ok(struct slice name);
/* Reads them from the properties of an Email, or of an EmailImport. NULL, or the wrong property. */
const char *jmap_place_read(struct jmap_call *c, json_t *object, struct jmap_place *p);
/* One property of them. */
const char *jmap_place_boxes(struct jmap_call *c, const json_t *ids, struct jmap_place *p);
const char *jmap_place_keywords(const json_t *keywords, struct jmap_place *p);
/* Its flags in that mailbox; keywords that are new to it are added. LL_ERR_LIMIT: too many. */
int jmap_place_flags(struct mailbox *mb, const struct jmap_place *p, uint64_t *ret) CHECKED;
/* Stores a message; ret_email its number. */
int jmap_email_store(struct jmap_call *c, struct slice message, const struct jmap_place *p,
	uint32_t *ret_email) CHECKED;
/* {id, blobId, threadId, size} as a value. */
void jmap_email_created(struct jmap_call *c, struct json_out *o, uint32_t email);
/* The same in `created`, under that creation id. */
void jmap_email_created_put(struct jmap_set *s, const char *creation, uint32_t email);
struct jmap_set_error jmap_email_store_error(int err);
enum jmap_error jmap_email_set(struct jmap_call *c);
enum jmap_error jmap_email_import(struct jmap_call *c);
enum jmap_error jmap_email_copy(struct jmap_call *c);

#endif
