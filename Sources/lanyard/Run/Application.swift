internal import AdmissionWebhook
internal import CoreMetrics
internal import KubernetesClient
internal import KubernetesModel
internal import KubernetesRuntime
internal import Logging
internal import NIOCertificateReloading
internal import Observability
internal import Operator
internal import ServiceLifecycle
internal import UnixSignals
internal import WorkloadIdentity

/// The operator as a list of services.
struct Application {
    let options: Run
    let configuration: WorkloadIdentity.Configuration
    private let webhookAddress: SocketAddress
    private let metricsAddress: SocketAddress

    init(options: Run, configuration: WorkloadIdentity.Configuration) {
        self.options = options
        self.configuration = configuration
        webhookAddress = options.webhookAddress.supported
        metricsAddress = options.metricsAddress.supported
    }

    /// For all that is asked of the API server before there are probes to answer: less than the 60 s after which the chart's
    /// startup probe gives up.
    private static let startUpLimit = Duration.seconds(45)

    /// What the metrics are, by name.
    private static let help = [
        AdmissionMetrics.help, Controller.help, EventRecorder.help, IdentityReport.help, InjectionMetrics.help,
        InstalledDefinition.help, IssuerKeyWatch.help, LeaderElector.help, WatchMetrics.help, WebhookReport.help,
        WorkloadIdentityControllers.helpOnHealing, WorkloadIdentityControllers.helpOnPlanSets,
        WorkloadIdentityControllers.helpOnTrust,
        ["lanyard_build_info": "1, for the version that runs."],
    ].reduce(into: [:]) { all, some in all.merge(some) { first, _ in first } }

    func run() async throws {
        let level = options.logLevel
        let limit = LogLimit()
        LoggingSystem.bootstrap { JSONLogHandler(label: $0, level: level, limit: limit) }
        let logger = Logger(label: "lanyard")

        let cluster = try Cluster.configuration(kubeconfig: options.kubeconfig)
        try await Cluster.withClient(cluster, logger: logger) { client in
            try await run(
                client, namespace: options.namespace ?? cluster.namespaceInPod ?? ControllerLease.defaultNamespace,
                logger)
        }
    }

    private func run(_ client: KubernetesClient, namespace: String, _ logger: Logger) async throws {
        let registry = PrometheusRegistry(help: Self.help)
        let metrics = PrometheusMetricsFactory(registry: registry)
        Gauge(label: "lanyard_build_info", dimensions: [("version", Version.current)], factory: metrics).record(1)
        let readiness = Readiness(waitingFor: ["caches"] + (options.role.admits ? ["webhook", "ca-bundle"] : []))
        let startUp = StartUp(limit: Self.startUpLimit, logger: logger)
        let facts = try await startUp.required { [configuration] in
            try await Cluster.facts(client, configuration, logger)
        }.withOwnAudiences(configuration, logger)

        let stores = AdmissionStores(client: client, metrics: metrics, logger: logger)
        let planner = Planner(stores: stores, facts: facts, configuration: configuration)
        let leadership = leadership(namespace: namespace)
        let events = EventRecorder(
            client: client, controller: "lanyard.dev/controller", instance: instance,
            onlyWhile: { leadership.isHeld }, metrics: metrics, logger: logger)

        // Started in this order, and stopped in the reverse: writers first, then the webhook, and probes and metrics last.
        var services: [any Service] = [
            Listener(
                AdminServer(
                    host: metricsAddress.host, port: metricsAddress.port, readiness: readiness,
                    registry: registry, logger: logger),
                on: metricsAddress, "--metrics-address")
        ]
        services += stores.services
        var synced: [@Sendable () async throws -> Void] = [stores.waitUntilSynced]

        if options.role.admits {
            services += try await webhook(
                client, planner, stores, startUp, namespace: namespace, metrics: metrics, readiness: readiness,
                options.role.reports ? events : nil, logger)
        }
        if options.role.reports {
            try await startUp.required {
                try await Cluster.requireDefinition(of: WorkloadIdentityObject.resourceType, client)
            }
            let workloads = try await startUp.required {
                try await WorkloadStores(client: client, metrics: metrics, logger: logger)
            }
            let keepsPlanSets = try await startUp.required { [configuration] in
                try await Cluster.keepsPlanSets(client, configuration, logger)
            }
            let writer = client.writing { leadership.isHeld }
            let controllers = WorkloadIdentityControllers(
                client: writer, planner: planner, stores: workloads, namespace: namespace,
                keepsPlanSets: keepsPlanSets, trial: try trial(writer, facts), events: events, metrics: metrics,
                logger: logger)
            synced.append(workloads.waitUntilSynced)
            services += workloads.services
            services.append(InstalledDefinition(client: client, metrics: metrics, logger: logger))
            services.append(elector(client, leadership, controllers, events, metrics, logger))
        }
        services.append(
            ReadinessWhenSynced(stores: synced) {
                readiness.ready("caches")
                logger.info("caches are complete")
            })

        // What cannot go on lets the others finish what they are doing. Without a name, each is described with all that it
        // holds, the key of the certificate as well.
        var group = ServiceGroupConfiguration(
            services: services.map { service in
                ServiceGroupConfiguration.ServiceConfiguration(
                    service: service, failureTerminationBehavior: .gracefullyShutdownGroup,
                    serviceName: "\(type(of: service))")
            },
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        group.maximumGracefulShutdownDuration = .seconds(25)
        logger.info(
            "starting",
            metadata: [
                "version": "\(Version.current)", "role": "\(options.role.rawValue)", "platform": "\(facts.platform)",
                "platform.evidence": "\(facts.evidence)", "issuer": "\(facts.issuer.url ?? "")",
                "issuer.reach": "\(facts.issuer.reach)",
            ])
        try await ServiceGroup(configuration: group).run()
    }

    // MARK: Services

    private func webhook(
        _ client: KubernetesClient, _ planner: Planner, _ stores: AdmissionStores, _ startUp: StartUp,
        namespace: String,
        metrics: PrometheusMetricsFactory, readiness: Readiness, _ events: EventRecorder?, _ logger: Logger
    ) async throws -> [any Service] {
        let report = WebhookReport(
            metrics: metrics, logger: logger, events: events,
            onTrusted: { readiness.ready("ca-bundle") },
            onDistrusted: { readiness.unready("ca-bundle", because: $0) })
        let admission: (certificate: any CertificateReloader, services: [any Service])
        if let directory = options.certificateDirectory {
            admission = try mountedCertificate(in: directory, stores, report, metrics: metrics, logger)
        } else {
            admission = try await ownCertificate(
                client, stores, startUp, report, namespace: namespace, metrics: metrics, logger)
        }
        let server = AdmissionServer(
            configuration: try serverConfiguration(),
            handlers: [
                WebhookRegistration.podInjector.path: PodMutator(
                    planner: planner, client: client, metrics: metrics),
                WebhookRegistration.workloadValidator.path: WorkloadValidator(planner: planner, client: client),
            ],
            certificate: admission.certificate, metrics: metrics, logger: logger
        ) { port in
            readiness.ready("webhook")
            logger.info("serving admission reviews", metadata: ["port": "\(port)"])
        }
        // Behind a Service, requests go on arriving for a moment after the pod has begun to stop: until all nodes know, and on
        // connections that are open.
        let drain = DrainDelay(for: options.webhookURL == nil ? .seconds(10) : .zero) {
            readiness.unready("webhook", because: "shutting down")
            server.endConnections()
        }
        let probe = ListenerProbe(
            host: webhookAddress.host, port: webhookAddress.port,
            onAnswer: { readiness.ready("listener") },
            onSilence: { readiness.unready("listener", because: $0) })
        return admission.services + [Listener(server, on: webhookAddress, "--webhook-address"), probe, drain]
    }

    private func serverConfiguration() throws(UsageProblem) -> AdmissionServer.Configuration {
        var configuration = AdmissionServer.Configuration(
            host: webhookAddress.host, port: webhookAddress.port)
        if let file = options.clientCA {
            let authorities = Array(try InputFile.text(of: file).utf8)
            do {
                try configuration.demandCertificates(signedBy: authorities, named: file)
            } catch {
                throw UsageProblem("--client-ca: \(error)")
            }
        }
        return configuration
    }

    /// A certificate that the operator makes and rotates, and sees trusted.
    private func ownCertificate(
        _ client: KubernetesClient, _ stores: AdmissionStores, _ startUp: StartUp, _ report: WebhookReport,
        namespace: String,
        metrics: PrometheusMetricsFactory, _ logger: Logger
    ) async throws -> (certificate: any CertificateReloader, services: [any Service]) {
        let url = options.webhookURL
        let webhooks = RegisteredWebhooks(
            target: url.map { .url($0) }, mutating: stores.webhookConfigurations, client: client, metrics: metrics,
            logger: logger)
        let names = ServingNames(
            service: WebhookRegistration.serviceName, namespace: namespace,
            extraHosts: [url.flatMap { WebhookURL($0)?.host }].compactMap { $0 })
        let keeper = try await startUp.required {
            try await CertificateController(
                client: client, namespace: namespace, names: names, webhooks: webhooks, report: report,
                metrics: metrics,
                logger: logger)
        }
        return (keeper.reloader, keeper.services)
    }

    /// A certificate that others keep, and see trusted.
    private func mountedCertificate(
        in directory: String, _ stores: AdmissionStores, _ report: WebhookReport, metrics: PrometheusMetricsFactory,
        _ logger: Logger
    ) throws -> (certificate: any CertificateReloader, services: [any Service]) {
        let certificate: MountedCertificate
        do {
            certificate = try MountedCertificate(directory: directory, metrics: metrics, logger: logger)
        } catch {
            throw StartFailure(description: "\(error)")
        }
        let trust = InjectorTrust(
            in: certificate, registrations: stores.webhookConfigurations, report: report)
        return (certificate, [certificate, trust])
    }

    /// How the trust of ServiceAccounts is tried, where that is asked for.
    private func trial(_ client: KubernetesClient, _ facts: PlatformFacts) throws(UsageProblem) -> TrustTrial? {
        guard !configuration.verify.scheduled.isEmpty else { return nil }
        let trial = ScheduledTrial(
            client: client, configuration: configuration, facts: facts,
            exchange: try TokenExchange(ProcessEnvironment.variables))
        return { try await trial.results(of: $0) }
    }

    private func leadership(namespace: String) -> Leadership {
        Leadership(
            LeaderElectionConfiguration(
                lease: ControllerLease.key(in: namespace),
                identity: "\(instance)_\(UInt64.random(in: 0 ... .max))"))
    }

    /// Only one replica writes statuses, events and generated objects.
    private func elector(
        _ client: KubernetesClient, _ leadership: Leadership, _ controllers: WorkloadIdentityControllers,
        _ events: EventRecorder, _ metrics: PrometheusMetricsFactory, _ logger: Logger
    ) -> LeaderElector {
        LeaderElector(client: client, leadership: leadership, metrics: metrics, logger: logger) {
            try await withThrowingDiscardingTaskGroup { group in
                group.addTask { try await events.run() }
                for controller in controllers.services { group.addTask { try await controller.run() } }
            }
            // What the controllers said last.
            await events.writeRest()
        }
    }

    /// This replica's name: a pod's host name is the pod's.
    private var instance: String { ProcessEnvironment.hostName }
}
