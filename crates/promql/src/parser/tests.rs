//! Tables of queries: what they print as, and what is wrong with them.
