/* One import under way: drives the IMAP client over one connection and puts what comes into the
 * account. No I/O: bytes in, bytes out; the job (account/importing.h) is stored as it goes on, so
 * that the next connection begins where this one ended.
 *
 * A job whose folders are not known yet is given them, and it is over; one that is active is worked
 * at until it is finished. Whoever changes the stored job meanwhile must drop this first. */
#ifndef FACES_IMPORT_RUN_H
#define FACES_IMPORT_RUN_H

#include "account/importing.h"

struct import_run;

struct import_run_options {
	struct account *account;
	struct store_id id;
	struct slice secret; /* a view until the sign-in is over */
	uint64_t message_max; /* longer messages are not taken */
};

enum import_run_wants {
	IMPORT_RUN_INPUT,
	IMPORT_RUN_TLS, /* shake hands, then import_run_tls_done */
	IMPORT_RUN_OVER, /* write the output if any, close */
};

/* What became of it, once over. */
enum import_run_end {
	IMPORT_RUN_DONE, /* finished, or the folders are known */
	IMPORT_RUN_STOPPED, /* the job says why */
	IMPORT_RUN_LOST, /* the same, and another try may do better */
	IMPORT_RUN_FATAL, /* the account cannot be worked with */
};

/* LL_ERR_NOTFOUND: no such job. */
int import_run_new(const struct import_run_options *o, struct import_run **ret) CHECKED;
void import_run_free(struct import_run *r); /* NULL is accepted */

/* Takes input, until something else is wanted; how many bytes were used. */
size_t import_run_input(struct import_run *r, struct slice in);
enum import_run_wants import_run_wants(const struct import_run *r);
int import_run_tls_done(struct import_run *r) CHECKED;
/* The connection ended, or never came to be; why: IMPORT_CONNECTION_LOST, _TIMEOUT, ... */
void import_run_fail(struct import_run *r, enum import_error why, struct slice words);
struct slice import_run_output(const struct import_run *r);
void import_run_sent(struct import_run *r, size_t n);
enum import_run_end import_run_end(const struct import_run *r);
bool import_run_signed_in(const struct import_run *r);
/* Whether it has come on: the next failure is a new one. */
bool import_run_progress(const struct import_run *r);

#endif
