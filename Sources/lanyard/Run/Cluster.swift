internal import AsyncHTTPClient
internal import JSON
internal import KubernetesClient
internal import KubernetesModel
internal import KubernetesRuntime
internal import Logging
internal import NIOCore
internal import NIOHTTP1
internal import Operator
internal import WorkloadIdentity

/// Finds the cluster, and out what it is.
enum Cluster {
    static func configuration(kubeconfig: String?) throws(UsageProblem) -> ClusterConfiguration {
        let environment = ProcessEnvironment.variables
        let listed = environment["KUBECONFIG"].map { $0.split(separator: ":").map(String.init) } ?? []
        do {
            if kubeconfig == nil, listed.isEmpty,
                let inCluster = try ClusterConfiguration.inCluster(environment: environment)
            {
                return inCluster
            }
            let home = environment["HOME"].map { "\($0)/.kube/config" }
            guard let path = kubeconfig ?? listed.first ?? home else {
                throw UsageProblem("no cluster is known: add --kubeconfig, or run in a pod")
            }
            // As for kubectl, not all that are listed need be there.
            let present = kubeconfig == nil ? listed.filter(InputFile.exists) : []
            return try ClusterConfiguration(kubeconfigs: try (present.isEmpty ? [path] : present).map(contents))
        } catch let error as UsageProblem {
            throw error
        } catch {
            throw UsageProblem("\(error)")
        }
    }

    private static func contents(of path: String) throws -> (contents: JSONValue, path: String) {
        let documents = try YAML.documents(in: try InputFile.text(of: path), file: path)
        guard documents.count <= 1 else {
            throw UsageProblem("\(path): expected one document, found \(documents.count)")
        }
        return (documents.first?.value ?? .null, path)
    }

    /// Works with the cluster, and closes the connections afterwards.
    ///
    /// - Parameter logger: of what is tried again. A command tells its errors alone.
    /// - Throws: a ``StartFailure`` for what the API server refuses or leaves unanswered.
    static func withClient<Value>(
        _ cluster: ClusterConfiguration, logger: Logger = .silent, _ body: (KubernetesClient) async throws -> Value
    ) async throws -> Value {
        let transport: HTTPClientTransport
        do {
            transport = try HTTPClientTransport(
                cluster, userAgent: "lanyard/\(Version.current)", logger: logger)
        } catch {
            throw UsageProblem("\(error)")
        }
        let value: Value
        do {
            value = try await body(KubernetesClient(transport: transport, fieldManager: "lanyard"))
        } catch {
            try? await transport.shutdown()
            guard let error = error as? KubernetesError else { throw error }
            throw StartFailure(description: "\(error)")
        }
        try await transport.shutdown()
        return value
    }

    static func facts(
        _ client: KubernetesClient, _ configuration: WorkloadIdentity.Configuration, _ logger: Logger
    ) async throws -> PlatformFacts {
        try await PlatformFacts.detected(
            by: client, configuration: configuration, logger: logger, isPublic: isPublic)
    }

    /// Without its definition no status can be written, and nothing would say why.
    static func requireDefinition(of type: ResourceType, _ client: KubernetesClient) async throws {
        let served = try await client.servedResources(of: type.apiVersion) ?? []
        guard served.contains(where: { $0.name == type.plural }) else {
            throw StartFailure(
                description:
                    """
                    the CustomResourceDefinition \(type.plural).\(type.group) is not installed; kubectl apply -f \
                    manifests/crd.yaml
                    """
            )
        }
    }

    /// Whether the objects can be kept from which the API server's own policy injects, where they are to be.
    static func keepsPlanSets(
        _ client: KubernetesClient, _ configuration: WorkloadIdentity.Configuration, _ logger: Logger
    ) async throws -> Bool {
        guard configuration.injection.keepsPlanSets else { return false }
        let type = CredentialPlanSet.resourceType
        let served = try await client.servedResources(of: type.apiVersion) ?? []
        if served.contains(where: { $0.name == type.plural }) { return true }
        // Helm does not install it with an upgrade, and the webhook goes on as before.
        logger.error(
            "injection.policy has no effect: the definition is not installed",
            metadata: [
                "k8s.object": "\(type.definitionName)",
                "remedy": """
                kubectl apply -f charts/lanyard/crds/\(type.definitionName).yaml, then restart the Deployment lanyard
                """,
            ])
        return false
    }

    /// Whether the issuer's discovery document can be had from here, and names the issuer; `nil` if there was no answer.
    ///
    /// That it is reachable from here does not prove that it is from other clouds, but it is the best evidence there is.
    private static func isPublic(_ issuer: String) async -> Bool? {
        let request = HTTPClientRequest(
            url: (issuer.hasSuffix("/") ? issuer : issuer + "/") + ".well-known/openid-configuration")
        guard let response = try? await HTTPClient.shared.execute(request, timeout: .seconds(3)),
            response.status.code == 200, let body = try? await response.body.collect(upTo: 1 << 20),
            let document = try? JSONValue(parsing: Array(body.readableBytesView))
        else { return nil }
        return document["issuer"]?.string == issuer ? true : nil
    }
}

extension StartUp {
    /// What does not get an answer, or one that says no, ends the start with the reason.
    func required<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
        do {
            return try await answer(body)
        } catch let error as KubernetesError where error.status?.code == 403 {
            throw StartFailure(
                description: "\(error); apply the rights that the manifests or the chart give (rbac.yaml)")
        } catch let error as KubernetesError {
            throw StartFailure(description: "\(error)")
        } catch let error as TimeOver {
            throw StartFailure(description: "\(error)")
        }
    }
}

/// The cluster cannot be worked with: exit code 1.
struct StartFailure: Error, CustomStringConvertible {
    let description: String
}

extension Logger {
    static var silent: Logger { Logger(label: "lanyard") { _ in SwiftLogNoOpLogHandler() } }
}

extension ClusterConfiguration {
    /// The namespace of the pod in which this runs. A kubeconfig's is a person's, not the operator's.
    var namespaceInPod: String? {
        ProcessEnvironment.variables["KUBERNETES_SERVICE_HOST"] == nil ? nil : namespace
    }
}
