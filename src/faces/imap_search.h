/* Search programs, shared by SEARCH, SORT and THREAD; not for others. All three work in slices, and
 * the other connections of the account get their turn in between. */
#ifndef FACES_IMAP_SEARCH_H
#define FACES_IMAP_SEARCH_H

#include "account/find.h"
#include "faces/imap_conn.h"

struct imap_query {
	struct imap_conn *c;
	struct imap_lex *l;
	struct slice charset; /* of the strings; ptr NULL: none was named */
	struct find_node root; /* FIND_AND of all keys */
	unsigned depth;
	bool uses_modseq;
	bool bad_charset; /* the charset is not known */
	bool bad_number; /* a sequence number that is not there */
};

/* One or more keys up to the end of the command; false with a reason in l. */
bool imap_query_parse(struct imap_query *q);
/* Sets the charset if it is one that can be read. */
void imap_query_charset(struct imap_query *q, struct slice name);
/* Answers a command whose program could not be parsed. */
void imap_query_refuse(struct imap_query *q);

/* A command under way; in the arena. */
struct imap_search_work {
	struct imap_query q;
	struct find_job *find;
	struct uid_list found; /* ascending, only of messages the client knows */
	/* Called when all are found. */
	void (*then)(struct imap_conn *c, struct imap_search_work *w);
	void (*failed)(struct imap_conn *c, struct imap_search_work *w, int err);
	/* SEARCH */
	unsigned options;
	/* SORT */
	struct sort_order order[SORT_ORDERS_MAX];
	size_t n_order;
	struct sort_job *sort;
	/* THREAD */
	enum thread_method method;
	struct thread_job *thread;
	struct thread_forest forest;
};
/* For a command whose name was read; NULL: out of memory, and answered. */
struct imap_search_work *imap_search_work_new(struct imap_conn *c, struct imap_lex *l);
/* Runs the program that was parsed. */
void imap_search_run(struct imap_conn *c, struct imap_search_work *w);
/* Has step called again until the command is answered; the first time at once. */
void imap_search_resume(struct imap_conn *c, struct imap_search_work *w,
	void (*step)(struct imap_conn *c, void *work));

#endif
