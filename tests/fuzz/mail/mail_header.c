/* Headers. Properties: fields lie one behind the other from the start to the body; the same fields
 * come out when the input ends with the header; unfolded values hold no line ends. */
#include "../must.h"
#include "mail/header.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_unfold(struct slice value)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(value.len);

	must(header_unfold(&b, value) == 0);
	for (size_t i = 0; i < b.len; i++)
		must(b.ptr[i] != '\r' && b.ptr[i] != '\n' && b.ptr[i] != 0);
}

static size_t
check_fields(struct slice in)
{
	struct header_iter it = header_iter_new(in);
	struct header_field f, found;
	size_t end = 0, n = 0;

	while (header_next(&it, &f)) {
		must(f.offset == end && f.raw.ptr == in.ptr + end && f.raw.len > 0);
		must(f.value.ptr >= f.raw.ptr &&
			f.value.ptr + f.value.len <= f.raw.ptr + f.raw.len);
		must(!f.name.len || f.value.ptr > f.name.ptr + f.name.len);
		must(!f.name.len || header_find(in, f.name, &found));
		check_unfold(f.value);
		end += f.raw.len;
		n++;
	}
	must(header_length(in) >= end);
	must(n == HEADER_FIELDS_MAX || header_length(in) - end <= 2);
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_new(data, size);

	if (size <= 4096) /* header_find for every field is quadratic */
		must(check_fields(in) == check_fields(slice_sub(in, 0, header_length(in))));
	return 0;
}
