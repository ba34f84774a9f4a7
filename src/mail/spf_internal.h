/* What the files of SPF share. */
#ifndef MAIL_SPF_INTERNAL_H
#define MAIL_SPF_INTERNAL_H

#include "mail/spf.h"

enum spf_kind {
	SPF_ALL,
	SPF_INCLUDE,
	SPF_A,
	SPF_MX,
	SPF_PTR,
	SPF_IP4,
	SPF_IP6,
	SPF_EXISTS,
};

struct spf_directive {
	enum spf_result result; /* of the qualifier */
	enum spf_kind kind;
	struct slice text; /* as written */
	struct slice domain; /* domain-spec, unexpanded; empty: the current domain */
	struct ip_addr network; /* ip4, ip6 */
	unsigned bits4, bits6;
};

struct spf_record {
	struct spf_directive *directives;
	size_t count;
	struct slice redirect, exp; /* unexpanded; ptr NULL when absent */
	bool has_all;
};

/* Whether a TXT record is an SPF record (section 4.5). */
bool spf_record_is(struct slice text);
/* Parses a whole record. LL_ERR_SYNTAX with a static reason, LL_ERR_NOMEM. */
int spf_record_parse(struct slice text, struct arena *arena, struct spf_record *ret,
	const char **ret_reason) CHECKED;

/* Values of the macro letters. */
struct spf_macros {
	struct slice local, sender_domain; /* of the sender */
	struct slice domain; /* current domain */
	struct slice helo, receiver;
	struct slice validated; /* for %{p}; ptr NULL when not known yet */
	struct ip_addr ip;
	int64_t now;
};

enum spf_macro_use {
	SPF_MACRO_DOMAIN, /* a domain-spec: ends in a top label or a macro; no c, r, t */
	SPF_MACRO_STRING, /* an unknown modifier's value */
	SPF_MACRO_EXPLANATION, /* the text behind exp=: c, r, t and spaces too */
};

/* Checks the syntax (section 7.1). *ret_wants_p tells whether %{p} occurs. LL_ERR_SYNTAX. */
int spf_macro_check(struct slice text, enum spf_macro_use use, bool *ret_wants_p) CHECKED;
/* Expands text that was checked. For domains, cut on the left to 253 characters (section 7.3).
 * LL_ERR_NOMEM, LL_ERR_LIMIT. */
int spf_macro_expand(struct slice text, enum spf_macro_use use, const struct spf_macros *macros,
	struct arena *arena, struct slice *ret) CHECKED;

#endif
