/* Dates. Property: what is read and written again is read as the same moment and zone. */
#include "../must.h"
#include "mail/date.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(100);
	int64_t t, again;
	int zone, zone_again;

	if (mail_date_parse(slice_new(data, size), &t, &zone))
		return 0;
	must(zone >= -1440 && zone <= 1440);
	must(mail_date_put(&b, t, zone) == 0);
	must(mail_date_parse(buf_slice(&b), &again, &zone_again) == 0);
	must(again == t && zone_again == zone);
	return 0;
}
