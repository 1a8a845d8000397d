//! Listeners with a web configuration, as clients meet them: TLS, client certificates, passwords, headers, limits,
//! reloads.

mod certificates;
mod reload;
mod served;
mod web;
