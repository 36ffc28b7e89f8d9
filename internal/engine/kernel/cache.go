package kernel

// PageTokens is how many tokens of a sequence share a page of the cache.
const PageTokens = 64
