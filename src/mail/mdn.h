/* Message disposition notifications (RFC 8098, RFC 6533): whether a letter asks for one, making
 * one, reading one. */
#ifndef MAIL_MDN_H
#define MAIL_MDN_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/language.h"
#include "mail/address.h"

#define MDN_FIELDS_MAX 64 /* extension fields; Error fields */

/* ---- What a letter asks for ---- */

struct mdn_request {
	struct address_list to; /* Disposition-Notification-To */
	/* It may be answered without asking its reader: one address, which is the return path
	 * (section 2.1). */
	bool plain;
	/* Values as they came, unfolded; empty when they are not there. */
	struct slice message_id, original_recipient, subject;
};

/* LL_ERR_NOTFOUND: it asks for none, for nobody's eyes, or is itself a notification or a report
 * (section 3: no notification answers one). header: of the letter as it is stored, with the
 * Return-Path that delivery has written. Strings are views of it, or live in the arena.
 * LL_ERR_NOMEM. */
int mdn_requested(struct slice header, struct arena *a, struct mdn_request *ret) CHECKED;

/* ---- Notifications ---- */

enum mdn_action { MDN_MANUAL_ACTION, MDN_AUTOMATIC_ACTION, MDN_ACTIONS };
enum mdn_sending { MDN_SENT_MANUALLY, MDN_SENT_AUTOMATICALLY, MDN_SENDINGS };
enum mdn_type { MDN_DELETED, MDN_DISPATCHED, MDN_DISPLAYED, MDN_PROCESSED, MDN_TYPES };
/* Their words, in lower case. */
extern const char *const mdn_actions[MDN_ACTIONS];
extern const char *const mdn_sendings[MDN_SENDINGS];
extern const char *const mdn_types[MDN_TYPES];

struct mdn_field {
	struct slice name, value;
};

/* ptr NULL: not there. UTF-8. */
struct mdn {
	struct slice subject, text;
	struct slice reporting_ua, gateway, original_recipient, final_recipient,
		original_message_id;
	enum mdn_action action;
	enum mdn_sending sending;
	enum mdn_type type;
	struct mdn_field extensions[MDN_FIELDS_MAX];
	size_t n_extensions;
	struct slice errors[MDN_FIELDS_MAX];
	size_t n_errors;
	bool returns_original;
};

/* Whether a field of this name may be added to a notification. */
bool mdn_extension_ok(struct slice name);

/* What is needed besides to make one. */
struct mdn_letter {
	const struct mdn *mdn; /* final_recipient "rfc822; a@b" */
	enum language language; /* of subject and text, where mdn has none */
	const struct mdn_request *request;
	struct slice from_name, from; /* UTF-8, and local@domain */
	struct slice original; /* the letter, when it is to be returned; else empty */
	struct slice message_id; /* with brackets */
	struct slice boundary; /* ASCII, unique: not within original */
	int64_t now; /* Unix seconds */
};
/* Appends the message, lines ending in CRLF, to be sent with the null return path. LL_ERR_SYNTAX:
 * an extension's name, or the boundary within the letter; sticky errors of buf. */
int mdn_build(struct buf *out, const struct mdn_letter *l) CHECKED;

/* Reads one. LL_ERR_SYNTAX: it is none. Strings are views of the message, or live in the arena. */
int mdn_parse(struct slice message, struct arena *a, struct mdn *ret) CHECKED;

#endif
