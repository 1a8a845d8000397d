//! This program as a Windows service: installed, removed, started and stopped from the command line, and run by the
//! service manager.

use std::ffi::{OsStr, OsString};
use std::sync::Arc;
use std::time::Duration;

use daemon::App as _;
use tokio::sync::Notify;
use windows_service::service::{
    ServiceAccess, ServiceAction, ServiceActionType, ServiceControl, ServiceControlAccept, ServiceErrorControl,
    ServiceExitCode, ServiceFailureActions, ServiceFailureResetPeriod, ServiceInfo, ServiceStartType, ServiceState,
    ServiceStatus, ServiceType,
};
use windows_service::service_control_handler::{self, ServiceControlHandlerResult};
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};
use windows_service::{define_windows_service, service_dispatcher};

use crate::cli::{self, Action};

const NAME: &str = "firewatch-windows-exporter";
const DISPLAY_NAME: &str = "Firewatch Windows Exporter";
const DESCRIPTION: &str = "Metrics of this host for Firewatch and Prometheus";

/// How long after a failure the service is started again.
const RESTART_DELAY: Duration = Duration::from_secs(5);
/// How long without a failure makes earlier ones forgotten.
const FAILURES_FORGOTTEN: Duration = Duration::from_secs(24 * 3600);

/// Why the service was not cared for.
#[derive(Debug, thiserror::Error)]
pub(super) enum ServiceError {
    /// The service manager refused.
    #[error("cannot {attempted}")]
    Manager {
        /// What was attempted.
        attempted: &'static str,
        /// What it said.
        #[source]
        source: windows_service::Error,
    },
    /// Nobody knows where this program is.
    #[error("cannot find the path of this program")]
    Path(#[source] std::io::Error),
}

fn refused(attempted: &'static str) -> impl Fn(windows_service::Error) -> ServiceError {
    move |source| ServiceError::Manager { attempted, source }
}

fn manager(access: ServiceManagerAccess) -> Result<ServiceManager, ServiceError> {
    ServiceManager::local_computer(None::<&OsStr>, access).map_err(refused("open the service manager"))
}

/// Makes this program a service that starts at boot and is started again when it fails.
pub(super) fn install(delayed: bool, arguments: &[OsString]) -> Result<(), ServiceError> {
    let manager = manager(ServiceManagerAccess::CONNECT | ServiceManagerAccess::CREATE_SERVICE)?;
    let serve = std::iter::once(OsString::from(cli::SERVE));
    let info = ServiceInfo {
        name: NAME.into(),
        display_name: DISPLAY_NAME.into(),
        service_type: ServiceType::OWN_PROCESS,
        start_type: ServiceStartType::AutoStart,
        error_control: ServiceErrorControl::Normal,
        executable_path: std::env::current_exe().map_err(ServiceError::Path)?,
        launch_arguments: serve.chain(arguments.iter().cloned()).collect(),
        dependencies: Vec::new(),
        account_name: None,
        account_password: None,
    };
    let access = ServiceAccess::CHANGE_CONFIG | ServiceAccess::START | ServiceAccess::DELETE;
    let service = manager.create_service(&info, access).map_err(refused("create the service"))?;
    let configure = || {
        service.set_description(DESCRIPTION)?;
        service.set_delayed_auto_start(delayed)?;
        let restart = ServiceAction { action_type: ServiceActionType::Restart, delay: RESTART_DELAY };
        service.update_failure_actions(ServiceFailureActions {
            reset_period: ServiceFailureResetPeriod::After(FAILURES_FORGOTTEN),
            reboot_msg: None,
            command: None,
            actions: Some(vec![restart.clone(), restart.clone(), restart]),
        })?;
        // An exporter that ends with an error is as gone as one that crashed.
        service.set_failure_actions_on_non_crash_failures(true)
    };
    if let Err(error) = configure() {
        // Half a service is worse than none.
        drop(service.delete());
        return Err(refused("configure the service")(error));
    }
    tracing::info!(service = NAME, delayed, "installed");
    Ok(())
}

/// Stops the service and removes it.
pub(super) fn uninstall() -> Result<(), ServiceError> {
    let manager = manager(ServiceManagerAccess::CONNECT)?;
    let access = ServiceAccess::QUERY_STATUS | ServiceAccess::STOP | ServiceAccess::DELETE;
    let service = manager.open_service(NAME, access).map_err(refused("open the service"))?;
    let status = service.query_status().map_err(refused("ask for the service's state"))?;
    if status.current_state != ServiceState::Stopped {
        service.stop().map_err(refused("stop the service"))?;
    }
    service.delete().map_err(refused("remove the service"))?;
    tracing::info!(service = NAME, "uninstalled");
    Ok(())
}

/// Starts the service.
pub(super) fn start() -> Result<(), ServiceError> {
    let manager = manager(ServiceManagerAccess::CONNECT)?;
    let service = manager.open_service(NAME, ServiceAccess::START).map_err(refused("open the service"))?;
    service.start::<&OsStr>(&[]).map_err(refused("start the service"))
}

/// Stops the service.
pub(super) fn stop() -> Result<(), ServiceError> {
    let manager = manager(ServiceManagerAccess::CONNECT)?;
    let service = manager.open_service(NAME, ServiceAccess::STOP).map_err(refused("open the service"))?;
    service.stop().map(drop).map_err(refused("stop the service"))
}

define_windows_service!(ffi_main, service_main);

/// Serves metrics until the service manager says stop.
pub(super) fn serve() -> Result<(), ServiceError> {
    service_dispatcher::start(NAME, ffi_main).map_err(refused("connect to the service manager"))
}

/// Called by the service manager on a thread of its own, with nothing to hand an error to: the log has it.
fn service_main(_: Vec<OsString>) {
    if let Err(error) = run() {
        tracing::error!(error = %daemon::run::chain(&error), "the service failed");
    }
}

fn run() -> Result<(), ServiceError> {
    let stop = Arc::new(Notify::new());
    let stopper = Arc::clone(&stop);
    let handle = service_control_handler::register(NAME, move |control| match control {
        ServiceControl::Stop | ServiceControl::Shutdown => {
            stopper.notify_one();
            ServiceControlHandlerResult::NoError
        }
        ServiceControl::Interrogate => ServiceControlHandlerResult::NoError,
        _ => ServiceControlHandlerResult::NotImplemented,
    })
    .map_err(refused("register with the service manager"))?;
    let report = |state, accepted, code| {
        let status = ServiceStatus {
            service_type: ServiceType::OWN_PROCESS,
            current_state: state,
            controls_accepted: accepted,
            exit_code: code,
            checkpoint: 0,
            wait_hint: Duration::ZERO,
            process_id: None,
        };
        handle.set_service_status(status).map_err(refused("report to the service manager"))
    };
    // Before anything else: a busy boot must not make the manager think that the service hangs.
    let accepted = ServiceControlAccept::STOP | ServiceControlAccept::SHUTDOWN;
    report(ServiceState::Running, accepted, ServiceExitCode::Win32(0))?;
    let code = match serve_until(&stop) {
        Ok(()) => ServiceExitCode::Win32(0),
        Err(error) => {
            tracing::error!(error = %daemon::run::chain(&error), "not started");
            ServiceExitCode::ServiceSpecific(u32::from(daemon::run::EXIT_FAILURE))
        }
    };
    report(ServiceState::Stopped, ServiceControlAccept::empty(), code)
}

fn serve_until(stop: &Notify) -> Result<(), daemon::StartError> {
    // The command line was checked before the service manager was called; here it is read for its values.
    let parsed = cli::parse(std::env::args_os()).map_err(daemon::StartError::config)?;
    let Action::Serve(options) = parsed.action else { return Ok(()) };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(super::WORKER_THREADS)
        .enable_all()
        .build()
        .map_err(|error| daemon::StartError::other("start the runtime", error))?;
    runtime.block_on(async {
        let app = super::start(*options).await?;
        tokio::select! {
            () = stop.notified() => {}
            () = app.quit_requested() => {}
        }
        app.stop().await;
        Ok(())
    })
}
