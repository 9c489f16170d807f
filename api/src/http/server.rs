//! The server as a whole: a thread with a runtime of its own, which ends with it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use anyhow::{Context, anyhow};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use super::app::{App, Duty};
use super::options::Config;
use super::{accept, routes};
use indexer::Data;

/// Threads that take connections and pass answers on; what blocks has its own.
const WORKERS: usize = 2;
/// Threads that block: questions, streams and exports have fewer places than that.
const BLOCKING_MAX: usize = 128;
/// How much less than others these threads get of the processors (nice(2)): recording comes first.
const NICENESS: i32 = 5;

/// A running server; stops when dropped.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    scheme: &'static str,
    /// The token to ask by, where it was made at the start.
    pub new_token: Option<String>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens, then answers on threads of its own. What is wrong with the address is known when this returns.
    ///
    /// # Errors
    /// When the address is taken or may not be listened on, or no thread can be started.
    pub fn start(data: Data, config: Config, duty: Duty) -> anyhow::Result<Self> {
        let listen = config.listen;
        let (tls, new_token) = (config.tls.clone(), config.new_token.clone());
        let scheme = if tls.is_some() { "https" } else { "http" };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .max_blocking_threads(BLOCKING_MAX)
            .thread_name("http")
            .on_thread_start(|| {
                // On Linux this is the thread's own.
                let _ = rustix::process::nice(NICENESS);
            })
            .enable_all()
            .build()
            .context("cannot start threads")?;
        let listener = runtime
            .block_on(TcpListener::bind(listen))
            .with_context(|| format!("cannot listen on {listen} (choose another address with --listen)"))?;
        let address = listener.local_addr().context("cannot tell the address")?;
        let router = routes::router(Arc::new(App::new(data, config, duty)));
        let (stop, stopped) = watch::channel(false);
        let thread = thread::Builder::new()
            .name("http".to_owned())
            .spawn(move || {
                runtime.block_on(accept::serve(listener, router, tls.map(TlsAcceptor::from), stopped));
                // Questions that were cancelled end soon; nobody waits for the others.
                runtime.shutdown_background();
            })
            .map_err(|error| anyhow!("cannot start a thread: {error}"))?;
        Ok(Self { address, scheme, new_token, stop, thread: Some(thread) })
    }

    /// Where a browser finds it.
    pub fn url(&self) -> String {
        format!("{}://{}/", self.scheme, self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
