/* The Authentication-Results header field, RFC 8601: writing it, and finding the fields that claim
 * to be ours in mail that comes in. */
#ifndef MAIL_AUTH_RESULTS_H
#define MAIL_AUTH_RESULTS_H

#include "base/buf.h"
#include "base/vec.h"

#define AUTH_RESULTS_MAX ((size_t)16 * 1024)

/* Writes one field. Values are quoted where the grammar needs it; control characters are dropped.
 * Errors stick in `out` (buf_err).
 *
 *	auth_results_begin(&w, out, S("mx.example.org"));
 *	auth_results_method(&w, "dkim", "pass", NULL);
 *	auth_results_property(&w, "header", "d", domain);
 *	auth_results_end(&w);
 */
struct auth_results_writer {
	struct buf *out;
	size_t column;
	unsigned methods;
};

void auth_results_begin(struct auth_results_writer *w, struct buf *out, struct slice authserv_id);
/* method, result and comment (may be NULL) are our own static texts; comments without
 * parentheses. */
void auth_results_method(
	struct auth_results_writer *w, const char *method, const char *result, const char *comment);
/* Adds reason="text" to the method just written; before its properties. */
void auth_results_reason(struct auth_results_writer *w, struct slice text);
/* ptype.property=value for the method just written; an empty value is left out. */
void auth_results_property(
	struct auth_results_writer *w, const char *ptype, const char *property, struct slice value);
/* Ends the field with CRLF; "; none" when no method was written. */
void auth_results_end(struct auth_results_writer *w);

struct auth_results_range {
	size_t offset, length; /* of a whole field with its CRLF */
};
/* For the macros of base/vec.h: VEC_DONE frees it. */
struct auth_results_ranges {
	struct auth_results_range *at;
	size_t len, cap;
};

/* Appends the ranges of the fields in `header` that must be dropped before ours is added: every
 * Authentication-Results whose authserv-id is ours (any case, comments and folding looked through,
 * quoted or not), and every one that cannot be read as far as its authserv-id (section 5).
 * LL_ERR_NOMEM. */
int auth_results_forged(
	struct slice header, struct slice authserv_id, struct auth_results_ranges *ret) CHECKED;

#endif
