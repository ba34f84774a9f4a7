/* Rules at work, for admission. */
#ifndef ACCOUNT_RULE_PRIV_H
#define ACCOUNT_RULE_PRIV_H

#include "account/engine.h"
#include "account/rule.h"

/* The enabled rules in their order, ready to be asked; independent of the objects they come from.
 */
struct rules;
/* NULL when there are none. */
int rules_load(struct account *a, struct rules **ret) CHECKED;
void rules_free(struct rules *r);

struct rule_message {
	const struct entry *entry;
	const struct message_meta *meta;
	struct slice recipient;
};
struct rule_outcome {
	bool placed; /* mailbox says where it goes */
	struct store_id mailbox;
	uint64_t flags;
	/* Views of the rules. */
	struct slice keywords[2 * RULE_KEYWORDS_MAX];
	size_t n_keywords;
};
/* Errors are those of reading the header of the message, where a rule asks for it. */
int rules_apply(struct account *a, const struct rules *r, const struct rule_message *m,
	struct rule_outcome *ret) CHECKED;

#endif
