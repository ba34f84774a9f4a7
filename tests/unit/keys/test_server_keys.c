/* The server's own keys: all different, repeatable, and directory values bound to their place. */
#include "t.h"

#include "base/error.h"
#include "keys/server_keys.h"

static const uint8_t boot[BOOT_SECRET_LEN] = "thirty-two bytes of boot secret";
static const uint8_t other[BOOT_SECRET_LEN] = "thirty-two bytes of other secre";

static void
all_different(void)
{
	struct opaque_server o, o2;
	struct directory_keys d, d2;
	uint8_t queue[32], dkim[32];

	CHECK_INT(server_keys_opaque(boot, &o), 0);
	CHECK_INT(server_keys_directory(boot, &d), 0);
	CHECK_INT(server_keys_queue(boot, queue), 0);
	CHECK_INT(server_keys_dkim(boot, dkim), 0);
	const uint8_t *keys[] = {
		o.oprf_seed, o.oprf_seed + 32, o.private_key, d.name, d.value, d.fake, queue, dkim};
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		for (size_t k = 0; k < i; k++)
			CHECK(memcmp(keys[i], keys[k], 32) != 0);
	CHECK_INT(server_keys_opaque(boot, &o2), 0);
	CHECK_INT(server_keys_directory(boot, &d2), 0);
	CHECK(memcmp(&o, &o2, sizeof(o)) == 0 && memcmp(&d, &d2, sizeof(d)) == 0);
	CHECK_INT(server_keys_opaque(other, &o2), 0);
	CHECK_INT(server_keys_directory(other, &d2), 0);
	CHECK(memcmp(o.oprf_seed, o2.oprf_seed, 64) != 0 && memcmp(d.name, d2.name, 32) != 0);
}

static void
names(void)
{
	struct directory_keys d;
	uint8_t one[32], two[32];

	CHECK_INT(server_keys_directory(boot, &d), 0);
	directory_name(&d, "address", S("a@example.org"), one);
	directory_name(&d, "address", S("a@example.org"), two);
	CHECK(memcmp(one, two, 32) == 0);
	directory_name(&d, "domain", S("a@example.org"), two);
	CHECK(memcmp(one, two, 32) != 0);
	directory_name(&d, "addres", S("sa@example.org"), two);
	CHECK(memcmp(one, two, 32) != 0);
}

static void
values(void)
{
	CLEANUP(buf_done) struct buf sealed = BUF_INIT(1000), plain = BUF_INIT(1000);
	static const uint8_t here[16] = {1}, there[16] = {2};
	struct directory_keys d, d2;

	CHECK_INT(server_keys_directory(boot, &d), 0);
	CHECK_INT(server_keys_directory(other, &d2), 0);
	CHECK_INT(directory_seal(&d, here, S("key"), S("value"), &sealed), 0);
	CHECK_INT(slice_find(buf_slice(&sealed), S("value")) == SLICE_NPOS, 1);
	CHECK_INT(directory_open(&d, here, S("key"), buf_slice(&sealed), &plain), 0);
	CHECK_SLICE(buf_slice(&plain), S("value"));
	CHECK_INT(directory_open(&d, there, S("key"), buf_slice(&sealed), &plain), LL_ERR_AUTH);
	CHECK_INT(directory_open(&d, here, S("kez"), buf_slice(&sealed), &plain), LL_ERR_AUTH);
	CHECK_INT(directory_open(&d2, here, S("key"), buf_slice(&sealed), &plain), LL_ERR_AUTH);
	for (size_t i = 0; i < sealed.len * 8; i++) {
		sealed.ptr[i / 8] ^= (uint8_t)(1u << i % 8);
		CHECK(directory_open(&d, here, S("key"), buf_slice(&sealed), &plain) != 0);
		sealed.ptr[i / 8] ^= (uint8_t)(1u << i % 8);
	}
}

T_MAIN(T(all_different), T(names), T(values))
