/* Search programs, shared by SEARCH, SORT and THREAD; not for others. */
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
/* Runs it: UIDs ascending, only of messages the client knows. */
int imap_query_run(struct imap_query *q, struct uid_list *ret) CHECKED;

#endif
