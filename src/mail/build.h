/* Writing what the server itself sends: header fields, ids, dates, and delivery reports (RFC 3464,
 * RFC 3461, RFC 6522, RFC 6533). */
#ifndef MAIL_BUILD_H
#define MAIL_BUILD_H

#include "base/buf.h"
#include "base/language.h"
#include "base/slice.h"

/* "Name: value CRLF", folded at spaces to 78 characters where it can be. CR, LF and NUL in the
 * value become spaces. */
int build_field(struct buf *out, const char *name, struct slice value);
/* An unstructured field from UTF-8 text: encoded words where needed. */
int build_field_text(struct buf *out, const char *name, struct slice utf8);
/* Display name (UTF-8, may be empty) and address. */
int build_field_address(struct buf *out, const char *name, struct slice display, struct slice addr);
/* The message ids among the words of value (In-Reply-To, References). What has not the form of one,
 * or is too long for a line, is left out, and with the last of them the field. */
int build_field_ids(struct buf *out, const char *name, struct slice value);
int build_field_date(struct buf *out, const char *name, int64_t unix_seconds);
/* "<random@domain>"; random: at least 16 bytes from the caller, given out as base32. */
int build_message_id(struct buf *out, struct slice random, struct slice domain);

enum report_action {
	REPORT_FAILED,
	REPORT_DELAYED,
	REPORT_DELIVERED,
	REPORT_RELAYED,
	REPORT_EXPANDED,
	REPORT_ACTIONS
};
enum report_return { REPORT_RETURN_HEADERS, REPORT_RETURN_FULL };

/* Empty slices are left out of the report. */
struct report_recipient {
	enum report_action action;
	struct slice original; /* ORCPT as given: "rfc822;a@b", xtext decoded or not */
	struct slice final; /* the address, UTF-8 allowed */
	struct slice status; /* "5.1.1" */
	struct slice diagnostic; /* the remote reply: "550 5.1.1 No such user" */
	struct slice remote; /* MTA that said so */
	int64_t last_attempt, will_retry_until; /* 0: left out */
};

struct report {
	struct slice reporting_host; /* our name */
	struct slice envelope_id; /* ENVID, xtext decoded */
	struct slice sender; /* who gets the report */
	struct slice subject; /* UTF-8; empty: a plain one is made */
	enum language language; /* of the sender; LANGUAGE_NONE: what it says is said in each */
	struct slice message_id; /* with brackets */
	struct slice boundary; /* ASCII, unique: not within returned */
	struct slice in_reply_to; /* Message-ID of the original, with brackets; may be empty */
	int64_t arrival, now;
	const struct report_recipient *recipients;
	size_t recipients_len;
	struct slice returned; /* the original message */
	enum report_return how; /* all of it or its header */
	bool utf8; /* the sender's side takes SMTPUTF8: message/global-* of RFC 6533 */
};

/* A whole message, From: Mail Delivery System, auto-submitted, null return path to be used. Lines
 * end in CRLF. LL_ERR_SYNTAX (boundary unfit or within what it bounds; nobody to write to or about;
 * a UTF-8 sender without utf8; no such language), sticky errors of buf. */
int build_report(struct buf *out, const struct report *r) CHECKED;

#endif
