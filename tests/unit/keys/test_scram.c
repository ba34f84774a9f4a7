/* SCRAM against the exchange of RFC 7677, with several passwords per account, and every refusal;
 * app passwords and unlock keys. */
#include "t.h"

#include "base/buf.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/text.h"
#include "keys/app_password.h"
#include "keys/scope.h"
#include "keys/scram.h"
#include "keys/unlock.h"

#define C_NONCE "rOprNGfwEbeRWgbNEkqO"
#define S_NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"

static const uint8_t rfc_salt[] = {0x5b, 0x6d, 0x99, 0x68, 0x9d, 0x12, 0x35, 0x8e, 0xec, 0xa0, 0x4b,
	0x14, 0x12, 0x36, 0xfa, 0x81};

static void
rfc7677(void)
{
	CLEANUP(buf_done) struct buf m = BUF_INIT(1000);
	struct scram_server_options so = {.nonce = S(S_NONCE)};
	struct scram_client_options co = {
		.name = S("user"), .password = S("pencil"), .nonce = S(C_NONCE)};
	uint8_t key[SCRAM_KEY_LEN], want[SCRAM_KEY_LEN];
	struct scram_verifier v;
	struct scram_account a = {SLICE_OF(rfc_salt), 4096, &v, 1};
	struct scram_server *s = NULL;
	struct scram_client *c = NULL;
	struct slice name;
	size_t index = 9;

	CHECK_INT(scram_derive(S("pencil"), SLICE_OF(rfc_salt), 4096, want, &v), 0);
	CHECK_INT(scram_server_new(&so, &s), 0);
	CHECK_INT(scram_client_new(&co, &c), 0);
	CHECK_INT(scram_client_first(c, &m), 0);
	CHECK_SLICE(buf_slice(&m), S("n,,n=user,r=" C_NONCE));
	CHECK_INT(scram_server_first(s, buf_slice(&m), &name), 0);
	CHECK_SLICE(name, S("user"));
	buf_reset(&m);
	CHECK_INT(scram_server_challenge(s, &a, &m), 0);
	CHECK_SLICE(buf_slice(&m), S("r=" C_NONCE S_NONCE ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"));
	CLEANUP(buf_done) struct buf final = BUF_INIT(1000);
	CHECK_INT(scram_client_final(c, buf_slice(&m), &final), 0);
	CHECK_SLICE(buf_slice(&final),
		S("c=biws,r=" C_NONCE S_NONCE ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="));
	buf_reset(&m);
	CHECK_INT(scram_server_final(s, buf_slice(&final), &m, &index, key), 0);
	CHECK_SLICE(buf_slice(&m), S("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
	CHECK_INT(index, 0);
	CHECK(memcmp(key, want, sizeof(key)) == 0);
	CHECK_INT(scram_client_check(c, buf_slice(&m)), 0);
	CHECK_INT(scram_client_check(c, buf_slice(&m)), LL_ERR_STATE);
	scram_server_free(s);
	scram_client_free(c);
}

/* One exchange between our own two sides. */
struct exchange {
	const char *name, *password;
	const struct scram_binding *client_binding, *server_binding;
	bool plus_offered, client_says_y;
	const struct scram_account *account;
	size_t flip; /* bit of client-final that is flipped, plus one */
	int want_first, want_final, want_check;
	const char *want_error; /* of server-final */
	size_t want_index;
};

static void
exchange_end(const struct exchange *e, struct scram_server *s, struct scram_client *c)
{
	CLEANUP(buf_done) struct buf m = BUF_INIT(2000);
	CLEANUP(buf_done) struct buf final = BUF_INIT(2000);
	uint8_t key[SCRAM_KEY_LEN], want[SCRAM_KEY_LEN];
	size_t index = 99;
	int err;

	CHECK_INT(scram_server_challenge(s, e->account, &m), 0);
	CHECK_INT(scram_client_final(c, buf_slice(&m), &final), 0);
	buf_reset(&m);
	if (e->flip)
		final.ptr[(e->flip - 1) / 8] ^= (uint8_t)(1u << ((e->flip - 1) % 8));
	err = scram_server_final(s, buf_slice(&final), &m, &index, key);
	if (e->flip) {
		CHECK(err != 0);
		return;
	}
	CHECK_INT(err, e->want_final);
	if (e->want_error)
		CHECK_SLICE(buf_slice(&m), slice_str(e->want_error));
	CHECK_INT(scram_client_check(c, buf_slice(&m)), e->want_check);
	if (err)
		return;
	CHECK_INT(index, e->want_index);
	CHECK_INT(scram_client_key(
			  slice_str(e->password), e->account->salt, e->account->iterations, want),
		0);
	CHECK(memcmp(key, want, sizeof(key)) == 0);
}

static void
exchange_run(const struct exchange *e)
{
	CLEANUP(buf_done) struct buf m = BUF_INIT(2000);
	struct scram_server_options so = {.plus = e->client_binding != NULL,
		.plus_offered = e->plus_offered,
		.bindings = e->server_binding,
		.n_bindings = e->server_binding ? 1 : 0};
	struct scram_client_options co = {.name = slice_str(e->name),
		.password = slice_str(e->password),
		.binding = e->client_binding,
		.binding_possible = e->client_says_y};
	struct scram_server *s = NULL;
	struct scram_client *c = NULL;
	struct slice name = SLICE_NONE;
	int err;

	CHECK_INT(scram_server_new(&so, &s), 0);
	CHECK_INT(scram_client_new(&co, &c), 0);
	CHECK_INT(scram_client_first(c, &m), 0);
	err = scram_server_first(s, buf_slice(&m), &name);
	CHECK_INT(err, e->want_first);
	if (!err) {
		CHECK_SLICE(name, slice_str(e->name));
		exchange_end(e, s, c);
	}
	scram_server_free(s);
	scram_client_free(c);
}

static struct scram_verifier three[3];
static const uint8_t salt[] = "sixteen bytes...";

static struct scram_account
account_of_three(void)
{
	static const char *const passwords[] = {"AAAA", "BBBB", "CCCC"};
	uint8_t key[SCRAM_KEY_LEN];

	for (size_t i = 0; i < 3; i++)
		CHECK_INT(scram_derive(slice_str(passwords[i]), SLICE_OF(salt), SCRAM_ITERATIONS,
				  key, &three[i]),
			0);
	return (struct scram_account){SLICE_OF(salt), SCRAM_ITERATIONS, three, 3};
}

static void
exchanges(void)
{
	struct scram_account three_of = account_of_three();
	struct scram_account none = {SLICE_OF(salt), SCRAM_ITERATIONS, NULL, 0};
	struct scram_binding exporter = {S("tls-exporter"), S("0123456789abcdef0123456789abcdef")};
	struct scram_binding other = {S("tls-exporter"), S("0123456789abcdef0123456789abcdeF")};
	struct scram_binding point = {S("tls-server-end-point"), S("certificate hash")};
	const struct exchange table[] = {
		{.name = "a", .password = "AAAA", .account = &three_of, .want_index = 0},
		{.name = "a,=b", .password = "BBBB", .account = &three_of, .want_index = 1},
		{.name = "\xc3\xa4", .password = "CCCC", .account = &three_of, .want_index = 2},
		{.name = "a",
			.password = "DDDD",
			.account = &three_of,
			.want_final = LL_ERR_AUTH,
			.want_check = LL_ERR_AUTH,
			.want_error = "e=invalid-proof"},
		/* Nobody has this name: same steps, same answer. */
		{.name = "x",
			.password = "AAAA",
			.account = &none,
			.want_final = LL_ERR_AUTH,
			.want_check = LL_ERR_AUTH,
			.want_error = "e=invalid-proof"},
		{.name = "a",
			.password = "AAAA",
			.account = &three_of,
			.client_binding = &exporter,
			.server_binding = &exporter,
			.plus_offered = true},
		{.name = "a",
			.password = "BBBB",
			.account = &three_of,
			.client_binding = &point,
			.server_binding = &point,
			.plus_offered = true,
			.want_index = 1},
		/* Somebody in the middle: the two channels differ. */
		{.name = "a",
			.password = "AAAA",
			.account = &three_of,
			.client_binding = &exporter,
			.server_binding = &other,
			.plus_offered = true,
			.want_final = LL_ERR_AUTH,
			.want_check = LL_ERR_AUTH,
			.want_error = "e=channel-bindings-dont-match"},
		{.name = "a",
			.password = "AAAA",
			.account = &three_of,
			.client_binding = &point,
			.server_binding = &exporter,
			.plus_offered = true,
			.want_first = LL_ERR_UNSUPPORTED},
		/* "y" is right where -PLUS was not offered, and a downgrade where it was. */
		{.name = "a", .password = "AAAA", .account = &three_of, .client_says_y = true},
		{.name = "a",
			.password = "AAAA",
			.account = &three_of,
			.client_says_y = true,
			.plus_offered = true,
			.want_first = LL_ERR_AUTH},
		{.name = "a", .password = "AAAA", .account = &three_of, .plus_offered = true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		exchange_run(&table[i]);
}

static void
every_flip_of_final(void)
{
	struct scram_account a = account_of_three();
	struct exchange e = {.name = "a", .password = "AAAA", .account = &a};

	/* "c=biws,r=" nonce 24 + 24 ",p=" 44 characters; the last but one digit of base64 has bits
	 * beyond the proof, which the strict decoder refuses. */
	for (e.flip = 1; e.flip <= 104 * 8; e.flip += 5)
		exchange_run(&e);
}

struct first_case {
	const char *message;
	int want;
};

static void
first_messages(void)
{
	static const struct first_case table[] = {
		{"n,,n=user,r=abc", 0},
		{"n,a=user,n=user,r=abc", 0},
		{"n,a=us=2Cer,n=us=2Cer,r=abc", 0},
		{"n,,n=user,r=abc,x=ext", 0},
		{"n,a=other,n=user,r=abc", LL_ERR_DENIED},
		{"", LL_ERR_SYNTAX},
		{"n", LL_ERR_SYNTAX},
		{"n,", LL_ERR_SYNTAX},
		{"n,,", LL_ERR_SYNTAX},
		{"n,,n=user", LL_ERR_SYNTAX},
		{"n,,r=abc,n=user", LL_ERR_SYNTAX},
		{"n,,m=x,n=user,r=abc", LL_ERR_SYNTAX},
		{"n,,n=,r=abc", LL_ERR_SYNTAX},
		{"n,,n=us=er,r=abc", LL_ERR_SYNTAX},
		{"n,,n=us=2c,r=abc", LL_ERR_SYNTAX},
		{"n,,n=us=2", LL_ERR_SYNTAX},
		{"n,,n=\xff,r=abc", LL_ERR_SYNTAX},
		{"n,,n=user,r=", LL_ERR_SYNTAX},
		{"n,,n=user,r=a b", LL_ERR_SYNTAX},
		{"n,,n=user,r=abc,", LL_ERR_SYNTAX},
		{"n,,n=user,r=abc,=x", LL_ERR_SYNTAX},
		{"n,,n=user,r=abc,x=", LL_ERR_SYNTAX},
		{"N,,n=user,r=abc", LL_ERR_SYNTAX},
		{"n,b=x,n=user,r=abc", LL_ERR_SYNTAX},
		{"p=tls-exporter,,n=user,r=abc", LL_ERR_SYNTAX},
		{"p,,n=user,r=abc", LL_ERR_SYNTAX},
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct scram_server_options o = {0};
		struct scram_server *s = NULL;
		struct slice name;
		int err;

		CHECK_INT(scram_server_new(&o, &s), 0);
		err = scram_server_first(s, slice_str(table[i].message), &name);
		if (err != table[i].want)
			fprintf(stderr, "%s\n", table[i].message);
		CHECK_INT(err, table[i].want);
		/* After a failure the machine has ended. */
		CHECK_INT(scram_server_first(s, S("n,,n=a,r=b"), &name), LL_ERR_STATE);
		scram_server_free(s);
	}
}

static void
challenges(void)
{
	static const struct first_case table[] = {
		{"r=abcdef,s=AAAA,i=4096", 0},
		{"r=abcdef,s=AAAA,i=4096,x=y", 0},
		{"r=abc,s=AAAA,i=4096", LL_ERR_AUTH}, /* no part of the server's */
		{"r=xbcdef,s=AAAA,i=4096", LL_ERR_AUTH},
		{"r=abcdef,s=AAAA,i=4095", LL_ERR_RANGE},
		{"r=abcdef,s=AAAA,i=1000001", LL_ERR_RANGE},
		{"r=abcdef,s=AAAA,i=-1", LL_ERR_SYNTAX},
		{"r=abcdef,s=AAA,i=4096", LL_ERR_SYNTAX},
		{"r=abcdef,s=,i=4096", LL_ERR_RANGE},
		{"r=abcdef,i=4096,s=AAAA", LL_ERR_SYNTAX},
		{"m=x,r=abcdef,s=AAAA,i=4096", LL_ERR_SYNTAX},
		{"e=other-error", LL_ERR_SYNTAX},
		{"", LL_ERR_SYNTAX},
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		CLEANUP(buf_done) struct buf m = BUF_INIT(2000);
		struct scram_client_options o = {
			.name = S("a"), .password = S("b"), .nonce = S("abc")};
		struct scram_client *c = NULL;

		CHECK_INT(scram_client_new(&o, &c), 0);
		CHECK_INT(scram_client_first(c, &m), 0);
		CHECK_INT(scram_client_final(c, slice_str(table[i].message), &m), table[i].want);
		scram_client_free(c);
	}
}

static void
plain_password(void)
{
	struct scram_account a = account_of_three();
	uint8_t key[SCRAM_KEY_LEN], want[SCRAM_KEY_LEN];
	size_t index = 9;

	CHECK_INT(scram_check_password(&a, S("BBBB"), &index, key), 0);
	CHECK_INT(index, 1);
	CHECK_INT(scram_client_key(S("BBBB"), a.salt, a.iterations, want), 0);
	CHECK(memcmp(key, want, sizeof(key)) == 0);
	CHECK_INT(scram_check_password(&a, S("bbbb"), &index, key), LL_ERR_AUTH);
	a.n = 0;
	CHECK_INT(scram_check_password(&a, S("BBBB"), &index, key), LL_ERR_AUTH);
}

static void
fake_salts(void)
{
	uint8_t secret[32] = {1}, other[32] = {2}, one[16], two[16];

	scram_fake_salt(secret, S("a@example.org"), one);
	scram_fake_salt(secret, S("a@example.org"), two);
	CHECK(memcmp(one, two, 16) == 0);
	scram_fake_salt(secret, S("b@example.org"), two);
	CHECK(memcmp(one, two, 16) != 0);
	scram_fake_salt(other, S("a@example.org"), two);
	CHECK(memcmp(one, two, 16) != 0);
}

static void
app_passwords(void)
{
	struct app_password p, q;
	char grouped[APP_PASSWORD_GROUPED_LEN + 1];
	unsigned seen[256] = {0};

	for (int i = 0; i < 200; i++) {
		app_password_make(&p);
		app_password_group(&p, grouped);
		CHECK_INT(strlen(p.text), APP_PASSWORD_LEN);
		CHECK_INT(strlen(grouped), APP_PASSWORD_GROUPED_LEN);
		CHECK_INT(app_password_parse(slice_str(grouped), &q), 0);
		CHECK(strcmp(p.text, q.text) == 0);
		CHECK(app_password_matches(&p, slice_str(grouped)));
		for (size_t k = 0; k < APP_PASSWORD_LEN; k++)
			seen[(uint8_t)p.text[k]]++;
	}
	/* 5200 characters: each of 32 is expected 162 times. */
	for (const char *c = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; *c; c++)
		CHECK(seen[(uint8_t)*c] > 80 && seen[(uint8_t)*c] < 260);
	CHECK_INT(app_password_parse(S("o1il-23456 789ab\tcdefgh-jkmnpq\r\n"), &q), 0);
	CHECK_SLICE(app_password_slice(&q),
		S("01112345678"
		  "9ABCDEFGHJKMNPQ"));
	CHECK(!app_password_matches(&p, S("")));
	CHECK_INT(app_password_parse(S("0123456789ABCDEFGHJKMNPQR"), &q), LL_ERR_SYNTAX);
	CHECK_INT(app_password_parse(S("0123456789ABCDEFGHJKMNPQRST"), &q), LL_ERR_SYNTAX);
	CHECK_INT(app_password_parse(S("0123456789ABCDEFGHJKMNPQRU"), &q), LL_ERR_SYNTAX);
	CHECK_INT(app_password_parse(S("0123456789ABCDEFGHJKMNPQR\0"), &q), LL_ERR_SYNTAX);
}

static bool
is_hex(const uint8_t *got, const char *want)
{
	CLEANUP(buf_done) struct buf b = BUF_INIT(200);

	CHECK_INT(hex_encode(&b, slice_new(got, strlen(want) / 2)), 0);
	return slice_ieq(buf_slice(&b), slice_str(want));
}

/* Computed with another program from the description in unlock.c. */
static void
known_unlock_keys(void)
{
	static const uint8_t account[16] = {1}, id[16] = {3};
	struct unlock_keys k;
	uint8_t hash[32];

	CHECK_INT(unlock_derive(UNLOCK_APP, S("0123456789abcdef"), account, id, &k), 0);
	CHECK(is_hex(k.auth, "98cf122969fad0b995eb6acab8a73603e293bfebe08098de2d374673432e4a97"));
	CHECK(is_hex(k.anchor, "187ed9ff47e322136fbaf9ec84e81038b3fc5475d5478a4272e55a8a34416b4d"));
	CHECK(is_hex(k.kem, "2aba9817dc21ecebc5cc2220c27d82b2efb7e7f33d2babf5664e405a595d36ba"));
	unlock_auth_hash(k.auth, hash);
	CHECK(is_hex(hash, "ef4974f91b09f8e935467fa6382ac94c687cad1666529af76887a2aa3ffb2415"));
}

static void
unlock_keys(void)
{
	uint8_t account[16] = {1}, other[16] = {2}, id[16] = {3}, hash[32];
	struct unlock_keys k, l;
	struct slice secret = S("0123456789abcdef");

	CHECK_INT(unlock_derive(UNLOCK_APP, secret, account, id, &k), 0);
	CHECK(memcmp(k.auth, k.anchor, 32) != 0 && memcmp(k.anchor, k.kem, 32) != 0);
	CHECK_INT(unlock_derive(UNLOCK_RECOVERY, secret, account, id, &l), 0);
	CHECK(memcmp(k.auth, l.auth, 32) != 0);
	CHECK_INT(unlock_derive(UNLOCK_APP, secret, other, id, &l), 0);
	CHECK(memcmp(k.kem, l.kem, 32) != 0);
	CHECK_INT(unlock_derive(UNLOCK_APP, secret, account, other, &l), 0);
	CHECK(memcmp(k.kem, l.kem, 32) != 0);
	CHECK_INT(unlock_derive(UNLOCK_APP, S("short"), account, id, &l), LL_ERR_SYNTAX);
	CHECK_INT(unlock_derive((enum unlock_type)0, secret, account, id, &l), LL_ERR_UNSUPPORTED);
	CHECK_INT(unlock_derive((enum unlock_type)5, secret, account, id, &l), LL_ERR_UNSUPPORTED);
	unlock_auth_hash(k.auth, hash);
	CHECK_INT(unlock_auth_check(SLICE_OF(k.auth), hash), 0);
	CHECK_INT(unlock_auth_check(SLICE_OF(k.anchor), hash), LL_ERR_AUTH);
	CHECK_INT(unlock_auth_check(slice_new(k.auth, 31), hash), LL_ERR_AUTH);
	CHECK_SLICE(slice_str(unlock_type_name(UNLOCK_APP)), S("app-password"));
}

static void
scopes(void)
{
	struct scope s = {SCOPE_AREA(RECORD_AREA_MAIL), SCOPE_IMAP | SCOPE_SMTP, 100};

	CHECK_INT(scope_check(&s, SCOPE_IMAP, 99), 0);
	CHECK_INT(scope_check(&s, SCOPE_IMAP, 100), LL_ERR_DENIED);
	CHECK_INT(scope_check(&s, SCOPE_DAV, 99), LL_ERR_DENIED);
	s.expires = 0;
	CHECK_INT(scope_check(&s, SCOPE_SMTP, INT64_MAX), 0);
	CHECK_SLICE(slice_str(scope_protocol_name(SCOPE_DAV)), S("dav"));
	CHECK(!scope_protocol_name(3) && !scope_protocol_name(128));
	CHECK_SLICE(slice_str(scope_area_name(RECORD_AREA_MAIL)), S("mail"));
	CHECK(!scope_area_name(0) && !scope_area_name(RECORD_AREAS));
}

T_MAIN(T(rfc7677), T(exchanges), T(every_flip_of_final), T(first_messages), T(challenges),
	T(plain_password), T(fake_salts), T(app_passwords), T(known_unlock_keys), T(unlock_keys),
	T(scopes))
