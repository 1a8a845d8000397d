//! Ctrl-C, closing the console and the system's shutdown. There is no signal to reload: that goes over HTTP.

use std::io;

use tokio::signal::windows::{CtrlC, CtrlClose, CtrlShutdown, ctrl_c, ctrl_close, ctrl_shutdown};

use super::Signal;

/// The console events this process listens to.
#[derive(Debug)]
pub struct Signals {
    ctrl_c: CtrlC,
    close: CtrlClose,
    shutdown: CtrlShutdown,
}

impl Signals {
    /// Takes the events over from the system's defaults.
    ///
    /// # Errors
    /// When the system refuses the handlers.
    pub fn install() -> io::Result<Self> {
        Ok(Self { ctrl_c: ctrl_c()?, close: ctrl_close()?, shutdown: ctrl_shutdown()? })
    }

    /// Waits for the next event.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.ctrl_c.recv() => {}
            _ = self.close.recv() => {}
            _ = self.shutdown.recv() => {}
        }
        Signal::Terminate
    }
}
