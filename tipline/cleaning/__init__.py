"""
Taking what a file says besides its content out of it.

The rules of docs/reference/cleaning.md, for every place where Python cleans. `rules.json` and
tests/vectors/cleaning are for whoever keeps the same rules in another language.

1. A format is known by its bytes, never by a name. What is not known is refused.
2. What a decoder needs is kept, by an allow-list; everything else goes, known or not.
3. A cleaning is planned first, and the plan changes nothing: which parts of the source are kept,
   which few bytes are written anew, which kinds of things go.
4. Nothing is decoded, so nothing can swell: memory does not grow with the file (`MAX_PIECES`).
5. A file that does not hold its format's rules is refused, never half done.

It takes a stream and gives one: no disk, network, clock or log.
"""
