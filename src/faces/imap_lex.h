/* The tokens of IMAP commands (RFC 9051 section 9) over one complete command. Strings are views of
 * the command; only quoted strings with escapes are copied into the arena. Every function returns
 * whether it matched and moved on; the first mismatch leaves its reason in `bad`. */
#ifndef FACES_IMAP_LEX_H
#define FACES_IMAP_LEX_H

#include "base/arena.h"
#include "base/slice.h"

struct imap_lex {
	const uint8_t *at, *end;
	struct arena *arena;
	const char *bad; /* static, or NULL */
};

struct imap_lex imap_lex_new(struct slice command, struct arena *arena);

/* Sets the reason if there is none yet; always false. */
bool imap_lex_fail(struct imap_lex *l, const char *why);
/* The next byte, or -1 at the end. */
static inline int
imap_lex_peek(const struct imap_lex *l)
{
	return l->at < l->end ? *l->at : -1;
}

/* One byte if it is there; sets no reason. */
bool imap_lex_try(struct imap_lex *l, uint8_t c);
/* The word if it stands here and does not go on as an atom (any case); sets no reason. */
bool imap_lex_try_word(struct imap_lex *l, struct slice word);
bool imap_lex_char(struct imap_lex *l, uint8_t c);
bool imap_lex_word(struct imap_lex *l, struct slice word);
/* Exactly one space. */
bool imap_lex_sp(struct imap_lex *l);
/* Nothing may follow. */
bool imap_lex_end(struct imap_lex *l);

bool imap_lex_tag(struct imap_lex *l, struct slice *ret);
bool imap_lex_atom(struct imap_lex *l, struct slice *ret);
/* Letters, digits, '-', '.', '=', '_' and '+': command names, keywords, capability names. */
bool imap_lex_name(struct imap_lex *l, struct slice *ret);
/* Quoted string or literal: no NUL; quoted strings hold valid UTF-8. */
bool imap_lex_string(struct imap_lex *l, struct slice *ret);
bool imap_lex_astring(struct imap_lex *l, struct slice *ret);
/* NIL gives a slice with ptr NULL. */
bool imap_lex_nstring(struct imap_lex *l, struct slice *ret);
/* Mailbox name pattern of LIST: list-char atom or string. */
bool imap_lex_list_mailbox(struct imap_lex *l, struct slice *ret);

bool imap_lex_u32(struct imap_lex *l, uint32_t *ret);
bool imap_lex_nz_u32(struct imap_lex *l, uint32_t *ret);
/* number64 and mod-sequence values: 63 bits. */
bool imap_lex_u63(struct imap_lex *l, uint64_t *ret);
/* "dd-Mon-yyyy", quoted or not: days since 1970-01-01. */
bool imap_lex_date(struct imap_lex *l, int64_t *ret_days);
/* "\" atom or atom, as in flag lists. */
bool imap_lex_flag(struct imap_lex *l, struct slice *ret);
/* Quoted date-time of APPEND: seconds since 1970-01-01 UTC. */
bool imap_lex_date_time(struct imap_lex *l, int64_t *ret_seconds);

bool imap_is_atom_char(uint8_t c);

#endif
