/* Asking for secrets. */
#include "cli/prompt.h"
#include "base/secret.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>
#include <unistd.h>

#define PASSWORD_LEAST 8 /* characters */

void
prompt_free(struct prompt_secret **s)
{
	if (*s)
		SECRET_FREE(*s);
}

struct slice
prompt_slice(const struct prompt_secret *s)
{
	return slice_new(s->text, s->len);
}

/* --- reading --- */

/* Byte by byte, so that nothing is read that belongs to somebody else. */
static int
read_line(int fd, struct prompt_secret *s)
{
	for (s->len = 0;;) {
		char c;
		ssize_t n = read(fd, &c, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return LL_ERR_IO;
		if (n == 0)
			return s->len ? LL_OK : LL_ERR_NOTFOUND;
		if (c == '\n')
			break;
		if (s->len == PROMPT_MAX)
			return LL_ERR_LIMIT;
		s->text[s->len++] = c;
	}
	if (s->len && s->text[s->len - 1] == '\r')
		s->len--;
	s->text[s->len] = 0;
	return LL_OK;
}

static bool
read_from(struct cli *cli, int fd, const char *what, struct prompt_secret **ret)
{
	struct prompt_secret *s = SECRET_NEW(struct prompt_secret);
	int r = s ? read_line(fd, s) : LL_ERR_NOMEM;

	if (r == LL_OK) {
		*ret = s;
		return true;
	}
	prompt_free(&s);
	if (r == LL_ERR_NOTFOUND)
		(void)cli_fail(cli, "standard input has no line for the %s", what);
	else
		(void)cli_fail(cli, "the %s cannot be read: %s", what, ll_strerror(r));
	return false;
}

bool
prompt_line(struct cli *cli, const char *what, struct prompt_secret **ret)
{
	return read_from(cli, STDIN_FILENO, what, ret);
}

/* The terminal as it was, for a signal that ends the program while echo is off. */
static struct termios saved;
static int saved_fd = -1;

static void
restore(int sig)
{
	if (saved_fd >= 0)
		(void)tcsetattr(saved_fd, TCSADRAIN, &saved);
	if (sig) {
		signal(sig, SIG_DFL);
		raise(sig);
	}
}

static void
echo_off(int tty)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	struct termios quiet;

	if (tcgetattr(tty, &saved) < 0)
		return;
	saved_fd = tty;
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		signal(signals[i], restore);
	quiet = saved;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	(void)tcsetattr(tty, TCSAFLUSH, &quiet);
}

static bool
ask(struct cli *cli, const char *question, bool echo, struct prompt_secret **ret)
{
	CLEANUP(fd_close) int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	bool ok;

	if (tty < 0) {
		(void)cli_fail(cli, "there is no terminal to ask at");
		return false;
	}
	/* First, so that nothing typed at the question is echoed. */
	if (!echo)
		echo_off(tty);
	dprintf(tty, "%s: ", question);
	ok = read_from(cli, tty, "answer", ret);
	if (!echo) {
		restore(0);
		saved_fd = -1;
		dprintf(tty, "\n");
	}
	return ok;
}

bool
prompt_answer(struct cli *cli, const char *question, struct prompt_secret **ret)
{
	return ask(cli, question, true, ret);
}

bool
prompt_secret(struct cli *cli, const char *question, struct prompt_secret **ret)
{
	return cli_option(cli, "password-stdin") ? prompt_line(cli, question, ret)
						 : ask(cli, question, false, ret);
}

/* --- passwords --- */

static int
nfc(const UChar *in, int32_t n, UChar *out, int32_t room, int32_t *ret_n)
{
	UErrorCode e = U_ZERO_ERROR;
	const UNormalizer2 *norm = unorm2_getNFCInstance(&e);

	*ret_n = unorm2_normalize(norm, in, n, out, room, &e);
	return U_SUCCESS(e) ? LL_OK : LL_ERR_LIMIT;
}

int
prompt_normalise(struct slice typed, struct prompt_secret *ret)
{
	UChar in[PROMPT_MAX + 1], out[PROMPT_MAX + 1];
	UErrorCode e = U_ZERO_ERROR;
	int32_t n = 0, len = 0;
	int r = LL_OK;

	if (!utf8_valid(typed) || typed.len > PROMPT_MAX)
		return LL_ERR_SYNTAX;
	u_strFromUTF8(in, PROMPT_MAX, &n, (const char *)typed.ptr, (int32_t)typed.len, &e);
	for (int32_t i = 0; i < n && U_SUCCESS(e); i++) {
		if (u_charType(in[i]) == U_SPACE_SEPARATOR)
			in[i] = ' ';
		if (u_iscntrl(in[i]))
			r = LL_ERR_SYNTAX;
	}
	if (r == LL_OK)
		r = U_SUCCESS(e) ? nfc(in, n, out, PROMPT_MAX, &n) : LL_ERR_SYNTAX;
	if (r == LL_OK)
		u_strToUTF8(ret->text, PROMPT_MAX, &len, out, n, &e);
	secret_wipe(in, sizeof(in));
	secret_wipe(out, sizeof(out));
	if (r || U_FAILURE(e))
		return r ? r : LL_ERR_LIMIT;
	ret->len = (size_t)len;
	ret->text[len] = 0;
	return LL_OK;
}

static size_t
count_characters(struct slice s)
{
	size_t count = 0;

	for (size_t n; s.len; s = slice_skip(s, n), count++)
		(void)utf8_get(s, &n);
	return count;
}

bool
prompt_password(struct cli *cli, const char *question, struct prompt_secret **ret)
{
	CLEANUP(prompt_free) struct prompt_secret *typed = NULL, *normal = NULL;

	if (!prompt_secret(cli, question, &typed))
		return false;
	normal = SECRET_NEW(struct prompt_secret);
	if (!normal || prompt_normalise(prompt_slice(typed), normal)) {
		(void)cli_fail(cli, "a password is text without control characters");
		return false;
	}
	*ret = TAKE(normal);
	return true;
}

bool
prompt_new_password(struct cli *cli, struct prompt_secret **ret)
{
	CLEANUP(prompt_free) struct prompt_secret *first = NULL, *again = NULL;

	if (!prompt_password(cli, "New password", &first))
		return false;
	if (count_characters(prompt_slice(first)) < PASSWORD_LEAST) {
		(void)cli_fail(cli, "a password has at least %d characters; several words are best",
			PASSWORD_LEAST);
		return false;
	}
	if (!cli_option(cli, "password-stdin")) {
		if (!prompt_password(cli, "The same again", &again))
			return false;
		if (!slice_eq(prompt_slice(first), prompt_slice(again))) {
			(void)cli_fail(cli, "the two are not the same");
			return false;
		}
	}
	*ret = TAKE(first);
	return true;
}
