/* Passwords: from the terminal without echo, or from standard input, never from the command line.
 */
#ifndef CLI_PROMPT_H
#define CLI_PROMPT_H

#include "cli/cli_priv.h"

#define PROMPT_MAX 1024

/* One secret text in secret memory. */
struct prompt_secret {
	size_t len;
	char text[PROMPT_MAX + 1];
};
/* Wipes; NULL is accepted. */
void prompt_free(struct prompt_secret **s);
struct slice prompt_slice(const struct prompt_secret *s);

/* One line of standard input, without echo games; false after saying that it is not there. */
bool prompt_line(struct cli *cli, const char *what, struct prompt_secret **ret);
/* Asks at the terminal without echo, or with --password-stdin takes a line of standard input.
 * False after saying why not. */
bool prompt_secret(struct cli *cli, const char *question, struct prompt_secret **ret);
/* A new password: asked for twice at the terminal, checked, and normalised (RFC 8265,
 * OpaqueString), so that it is the same from every keyboard. */
bool prompt_new_password(struct cli *cli, struct prompt_secret **ret);
/* An existing password, normalised alike. */
bool prompt_password(struct cli *cli, const char *question, struct prompt_secret **ret);
/* Shows the question at the terminal and reads an answer with echo; false when there is none. */
bool prompt_answer(struct cli *cli, const char *question, struct prompt_secret **ret);

/* OpaqueString of RFC 8265: NFC, other spaces as U+0020, no controls. LL_ERR_SYNTAX, LL_ERR_LIMIT.
 */
int prompt_normalise(struct slice typed, struct prompt_secret *ret) CHECKED;

#endif
