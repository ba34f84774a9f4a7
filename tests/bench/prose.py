"""Letters in a made-up language for benchmarks: most of its words are rare, some usual, and people's turns of phrase come again and
again. Every letter names its number, in its subject and at its end."""
import bisect
import email.utils
import itertools
import random

from test_web import DOMAIN

FIRST = 1_500_000_000
WORDS_PER_LETTER = 300
SYLLABLES = "ba ber con da en fi gel ha in ker lo ment na or per qui re sta ti un ver wo ya zen".split()
RARE, USUAL, PHRASE = "xylophone", "invoice", "invoice harbour"
# What people say: words that nearly every letter has, and turns of phrase in which they come.
COMMON = ("the to and of a in for you is i on that be it with your we are this as have will at from not can or by if our an me "
          "all please any has my but was thank letter know would new one time get let more us here so out what there up when "
          "no do which just now about some need also week meeting like see who how been they work send date week call").split()
TURNS = ("thank you for", "thank you very much", "for your letter", "for your time", "your letter of", "please let me know", "if you have",
         "let us know", "i look forward to", "as soon as", "we would like to", "would you please", "if you need", "in the meeting",
         "the end of the week", "about the invoice", "for the invoice", "you for coming", "best regards", "all the best",
         "your invoice of", "on behalf of", "with reference to", "of the week", "at the harbour", "for our meeting", "for you and your")
USUAL_PHRASE = "thank you for your letter"


def vocabulary(rng):
    """A language in which a word's frequency falls with its rank; the words we look for are in it."""
    words = COMMON + ["".join(rng.choices(SYLLABLES, k=rng.randint(2, 4))) for _ in range(20_000)]
    words[100], words[101] = USUAL, "harbour"
    return words, list(itertools.accumulate(1 / (i + 5) for i in range(len(words))))


def prose(rng, words, weights):
    text = []
    while len(text) < WORDS_PER_LETTER:
        if rng.random() < 0.015:
            text += rng.choice(TURNS).split()
        else:
            text.append(words[bisect.bisect(weights, rng.random() * weights[-1])])
    return text


def letters(rng, start, end):
    words, weights = vocabulary(random.Random(1))
    for n in range(start, end):
        text = prose(rng, words, weights)
        if n % 5000 == 77:
            text.append(RARE)
        if n % 400 == 123:
            text[20:20] = USUAL_PHRASE.split()
        lines = "\r\n".join(" ".join(text[i:i + 10]) for i in range(0, len(text), 10))
        token = f"{rng.getrandbits(128):032x}"
        yield (f"Return-Path: <writer{n % 100}@large.example>\r\n"
               f"Received: from mail{n % 7}.large.example (mail{n % 7}.large.example [192.0.2.{n % 250}])\r\n"
               f"\tby mx.{DOMAIN} (Letterlock) with ESMTPS id {token[:12]}\r\n\tfor <alice@{DOMAIN}>; "
               f"{email.utils.formatdate(FIRST + 60 * n)}\r\n"
               f"From: Writer {n % 100} <writer{n % 100}@large.example>\r\nTo: alice@{DOMAIN}\r\nSubject: Letter {n:06} {text[0]} {text[1]}\r\n"
               f"Date: {email.utils.formatdate(FIRST + 60 * n)}\r\nMessage-ID: <{token}@large.example>\r\n"
               f"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{lines}\r\nnumber{n:06}.\r\n").encode()
