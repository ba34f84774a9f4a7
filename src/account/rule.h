/* Rules: what the owner wants done with mail that arrives. Kept as objects (CHANGE_RULES), applied
 * when a delivery is admitted, in the same commit, so that every client first sees a message where
 * the rules put it. */
#ifndef ACCOUNT_RULE_H
#define ACCOUNT_RULE_H

#include "account/object.h"

#define RULES_MAX 200 /* in one account */
#define RULE_NAME_MAX 200 /* bytes */
#define RULE_CONDITIONS_MAX 32
#define RULE_TEXT_MAX 1000 /* bytes of a condition's text */
#define RULE_HEADER_MAX 100 /* bytes of a field's name */
#define RULE_KEYWORDS_MAX 16
#define RULE_ORDER_MAX UINT32_MAX

/* Stored numbers. */
enum rule_field {
	RULE_FROM,
	RULE_TO, /* To, Cc, Bcc, and the address it was delivered to */
	RULE_SUBJECT,
	RULE_LIST_ID,
	RULE_HEADER, /* any field of that name */
	RULE_ATTACHMENT, /* it has one */
	RULE_SIZE_FROM, /* size or more */
	RULE_SIZE_BELOW,
	RULE_FIELDS, /* one past the last */
};
enum rule_match {
	RULE_CONTAINS, /* as search does: without case and accents */
	RULE_IS, /* the same, all of it; of an address: the address alone, or its name */
	RULE_DOMAIN, /* of an address: its domain or one above */
	RULE_MATCHES, /* one past the last */
};

struct rule_condition {
	enum rule_field field;
	enum rule_match match;
	struct slice name; /* of RULE_HEADER */
	struct slice text;
	uint64_t size;
};

struct rule {
	struct slice name;
	uint64_t order; /* lesser first; equal ones by age */
	bool enabled;
	bool all; /* every condition must hold; else one */
	struct rule_condition conditions[RULE_CONDITIONS_MAX];
	size_t n_conditions; /* at least one */
	/* What is done. Of several rules that say where it goes, the first counts. */
	bool move, seen, flagged, trash, stop;
	struct store_id mailbox; /* with move; one that is no more is passed over */
	struct slice keywords[RULE_KEYWORDS_MAX];
	size_t n_keywords;
};

/* Whether it is a rule: limits, texts, keywords. The part that is wrong, or NULL. */
const char *rule_check(const struct rule *r);
/* The value of its object. LL_ERR_LIMIT. */
int rule_encode(const struct rule *r, struct buf *out) CHECKED;
/* Views of value. LL_ERR_CORRUPT (also what rule_check does not like), LL_ERR_UNSUPPORTED. */
int rule_decode(struct slice value, struct rule *ret) CHECKED;

#endif
