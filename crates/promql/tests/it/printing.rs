//! What is printed can be read again.
