/* What Mailbox's files share. */
#ifndef FACES_JMAP_MAILBOX_H
#define FACES_JMAP_MAILBOX_H

#include "faces/jmap_priv.h"

/* The nearest level above that is a mailbox, or NULL. */
struct mailbox *jmap_mailbox_parent(const struct account *a, const struct mailbox *mb);
/* Its name below that one; views of its name. */
struct slice jmap_mailbox_name(const struct account *a, const struct mailbox *mb);
bool jmap_mailbox_has_child(const struct account *a, const struct mailbox *mb);
const char *jmap_role_name(enum mailbox_role role); /* NULL for none */
/* MAILBOX_ROLES when there is none of that name. */
enum mailbox_role jmap_role_parse(struct slice name);
uint64_t jmap_mailbox_order(const struct account *a, const struct mailbox *mb);

enum jmap_error jmap_mailbox_query(struct jmap_call *c);
enum jmap_error jmap_mailbox_query_changes(struct jmap_call *c);
enum jmap_error jmap_mailbox_set(struct jmap_call *c);

#endif
