/* Project error codes: 0 is good, errors are negative. Library layers return them and neither log
 * nor exit. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

enum ll_error {
	LL_OK = 0,
	LL_ERR_NOMEM = -1, /* memory, or an arena's hard cap */
	LL_ERR_LIMIT = -2, /* a named limit was exceeded */
	LL_ERR_SYNTAX = -3, /* malformed input */
	LL_ERR_AUTH =
		-4, /* authentication of data failed: wrong key, altered or misplaced record */
	LL_ERR_DENIED = -5, /* not permitted */
	LL_ERR_NOTFOUND = -6,
	LL_ERR_EXISTS = -7,
	LL_ERR_CONFLICT = -8, /* an optimistic commit lost */
	LL_ERR_IO = -9,
	LL_ERR_AGAIN = -10, /* not now; try again */
	LL_ERR_STATE = -11, /* not permitted in this state */
	LL_ERR_UNSUPPORTED = -12,
	LL_ERR_CORRUPT = -13, /* stored data is damaged */
	LL_ERR_CRYPTO = -14, /* a cryptographic library refused */
	LL_ERR_QUOTA = -15,
	LL_ERR_CLOSED = -16, /* the peer went away */
	LL_ERR_RANGE = -17, /* a number is out of range */
	LL_ERR_INTERNAL = -18,
};

/* A short lower-case text for an error code; never NULL. */
const char *ll_strerror(int err);

/* Parser results. BAD comes with a static reason. */
enum parse_result { PARSE_OK, PARSE_MORE, PARSE_BAD };

#endif
