//! The server behind the dashboard: `/api/v1`, and the page itself.
//!
//! 1. [`options`] turns what the command line says into a checked [`Config`].
//! 2. [`accept`] takes connections, a bounded number of them, by TLS where there is a certificate ([`tls`]), and gives
//!    each so long to say what it wants and to take the answer ([`patient`]).
//! 3. [`guard`] looks at who asks: [`access`], [`rate`], and whether a browser was led here by another site.
//! 4. [`routes`] reads what is asked ([`asked`]) and answers in the JSON of the command line, or with a [`problem`],
//!    without what a [`policy`] keeps back.
//! 5. Answers are work that blocks: [`pool`] runs it on a bounded number of threads, ends it when whoever asked has gone,
//!    and turns away what would have to wait too long.
//! 6. What is long or goes on leaves while it is made ([`feed`]); a stream of entries says behind each where to go on
//!    ([`position`]).
//! 7. [`openapi`] describes all that, [`reference`] shows it to people, [`metrics`] count it.
//! 8. [`dashboard`] is the page, compiled in; [`headers`] say what it may do.
//!
//! Recording comes first: these threads are nicer than others, and what one question may cost is limited.

mod accept;
mod access;
mod answer;
mod app;
mod asked;
mod dashboard;
mod feed;
mod guard;
mod headers;
mod metrics;
mod openapi;
mod options;
mod patient;
mod policy;
mod pool;
mod position;
mod problem;
mod rate;
mod reference;
mod routes;
mod server;
mod tls;

pub use app::Duty;
pub use options::{Config, Options};
pub use server::Server;
