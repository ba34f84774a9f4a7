/* letterlock verify: what its parts share. */
#ifndef CLI_VERIFY_H
#define CLI_VERIFY_H

#include "cli/release.h"

#include <curl/curl.h>

/* Every file is asked for in these ways: what depends on who asks is noticed. */
enum verify_guise { VERIFY_PLAIN, VERIFY_CHROMIUM, VERIFY_FIREFOX, VERIFY_SAFARI, VERIFY_GUISES };

struct verify_answer {
	struct buf body; /* decoded */
	struct buf fields; /* "name: value\n", names in lower case */
	long status;
	bool interim; /* another head came before this one */
	bool longer; /* than it may be; body is not all of it */
	bool garbled; /* it cannot be decoded */
};

struct verify {
	struct cli *cli;
	CURL *curl;
	char origin[512]; /* "https://host:8443" */
	bool loopback;
	struct json json;
	size_t checked, different;
	char failure[1024]; /* why it cannot go on; empty: it can */
	/* What is compared with: of the own pack, or what the log's newest release names. */
	struct buf text;
	struct web_manifest *manifest;
	uint8_t hash[WEB_HASH_LEN];
};

/* --- verify_fetch.c --- */

/* Finds the origin in what was typed; false after saying what is wrong. */
bool verify_open(struct verify *v, const char *url);
void verify_close(struct verify *v);
void verify_fail(struct verify *v, const char *format, ...) PRINTF_LIKE(2, 3);
void verify_answer_done(struct verify_answer *a);
/* Asks for a path as it is; type is what it should be, as a browser would know from the page. At
 * most max bytes are taken. false: the server cannot be talked to, which v->failure says. */
bool verify_fetch(struct verify *v, enum verify_guise g, struct slice path, struct slice type,
	size_t max, struct verify_answer *ret);

/* --- verify_compare.c --- */

/* Says that a path differs, and in what. */
void verify_differs(struct verify *v, struct slice path, const char *what, struct slice detail);
/* Compares all that is served with v->manifest. */
void verify_compare(struct verify *v);

/* --- verify_trust.c --- */

struct verify_trust {
	struct buf text; /* of the served log */
	struct web_log *log; /* NULL: none was asked for */
	uint8_t key[ED25519_PUBLIC_LEN];
	const char *key_from; /* for people: where the key is known from */
	uint64_t remembered; /* the newest release that this server had before; 0: none */
	char note[256]; /* what else is to be said */
};

/* What was seen of that server stands in the folder of --state. */
void verify_forget(struct verify *v);
/* Whether signatures are to be checked: a key is given, built in or remembered. */
bool verify_wants_release(const struct verify *v);
/* Fetches log and manifest and checks them; v->manifest is then what the release names. What does
 * not hold is in v->failure. */
void verify_release(struct verify *v, struct verify_trust *t);
void verify_trust_done(struct verify_trust *t);

#endif
