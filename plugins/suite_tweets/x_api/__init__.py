"""The X API v2, as far as a collection needs it: who an account is, and its timeline page by page; through tweepy.

Two requests are made (X API v2 reference): GET /2/users/by/username/NAME, and GET /2/users/ID/tweets, whose answer is

    {"data": [{"id", "created_at", "text", ...}], "includes": {...}, "meta": {"result_count", "next_token"}}

newest first, at most 100 a page, and no more than the account's newest 3,200 in all. Temporary failures (rate
limits, overloaded servers, cut connections) are waited for; all others end in an ApiError that says what to do.

The bearer token is read from the environment and stands in the header of a request, nowhere else: tweepy, which writes
headers into its log, does not have it.
"""
