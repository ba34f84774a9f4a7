/* SRV records: whole, cut off anywhere, with names that are none. */
#include "t.h"

#include "base/error.h"
#include "mail/srv.h"

static void
test_parse(void)
{
	static const struct {
		struct slice rdata;
		const char *target; /* NULL: refused */
	} cases[] = {
		{S("\0\12\0\24\3\341\4imap\1x\2de\0"), "imap.x.de"},
		{S("\0\12\0\24\3\341\0"), ""},
		{S("\0\12\0\24\3\341\4imap\1x\2de\0\0"), NULL},
		{S("\0\12\0\24\3\341\4im p\0"), NULL},
		{S("\0\12\0\24\3\341\4im\0p\0"), NULL},
		{S("\0\12\0\24\3\341\377imap"), NULL},
		{S(""), NULL},
	};
	struct srv s;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int err = srv_parse(cases[i].rdata, &s);
		CHECK_INT(err, cases[i].target ? LL_OK : LL_ERR_SYNTAX);
		if (err)
			continue;
		CHECK_SLICE(slice_str(s.target), slice_str(cases[i].target));
		CHECK_INT(s.priority, 10);
		CHECK_INT(s.weight, 20);
		CHECK_INT(s.port, 993);
		for (size_t k = 0; k < cases[i].rdata.len; k++)
			CHECK(srv_parse(slice_sub(cases[i].rdata, 0, k), &s) != 0);
	}
}

static void
test_long(void)
{
	uint8_t rdata[6 + 5 * 64 + 1];
	struct srv s;

	memset(rdata, 'a', sizeof(rdata));
	for (size_t i = 0; i < 5; i++)
		rdata[6 + i * 64] = 63;
	rdata[6 + 3 * 64] = 0;
	CHECK_INT(srv_parse(slice_new(rdata, 6 + 3 * 64 + 1), &s), LL_OK);
	CHECK_INT(strlen(s.target), 3 * 64 - 1);
	rdata[6 + 3 * 64] = 63;
	rdata[6 + 4 * 64] = 0;
	CHECK_INT(srv_parse(slice_new(rdata, 6 + 4 * 64 + 1), &s), LL_ERR_SYNTAX);
}

T_MAIN(T(test_parse), T(test_long))
