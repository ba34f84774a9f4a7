/* The grammar of MAIL and RCPT: paths and the parameters of the extensions. */
#ifndef FACES_SMTP_PARAM_H
#define FACES_SMTP_PARAM_H

#include "base/buf.h"
#include "faces/smtp.h"

struct smtp_text;

struct smtp_mail_args {
	struct smtp_path from;
	uint64_t size;
	enum smtp_body body;
	enum smtp_ret ret;
	bool smtputf8;
	struct slice envid, auth;
};

struct smtp_rcpt_args {
	struct smtp_path path;
	unsigned notify;
	struct slice orcpt;
};

/* Read what follows "MAIL FROM:" and "RCPT TO:". NULL when it is good, else the reply to give
 * (static). The outputs are views of args. with_auth: AUTH= is known (RFC 4954). */
const struct smtp_text *smtp_mail_args_parse(
	struct slice args, bool with_auth, struct smtp_mail_args *ret) CHECKED;
const struct smtp_text *smtp_rcpt_args_parse(
	struct slice args, bool smtputf8, struct smtp_rcpt_args *ret) CHECKED;

/* RFC 3461 section 4: "+" hex hex for what is not printable ASCII, "+" and "=". The plain form goes
 * to out; LL_ERR_SYNTAX. */
int smtp_xtext_decode(struct buf *out, struct slice xtext) CHECKED;
/* Is it xtext? With utf8, characters above U+007F may stand in it (RFC 6533 section 3). */
bool smtp_xtext_valid(struct slice s, bool utf8);

#endif
