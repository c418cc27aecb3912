internal import KubernetesModel
internal import KubernetesRuntime
internal import WorkloadIdentity

/// What else in the cluster gives pods credentials, or helps to: for people who wonder who changed a pod.
struct InstalledComponents {
    /// The webhooks of the managed platforms by the names of their configurations.
    private static let webhooks = [
        "pod-identity-webhook": "EKS Pod Identity Webhook",
        "azure-wi-webhook-mutating-webhook-configuration": "Azure Workload Identity webhook",
        "ack-pod-identity-webhook": "ACK Pod Identity webhook",
    ]
    private static let podIdentityAgent = ObjectKey(namespace: "kube-system", name: "eks-pod-identity-agent")

    /// Sorted.
    let names: [String]

    init(_ stores: AdmissionStores, _ workloads: WorkloadStores, _ components: Components) {
        var names = Self.webhooks.compactMap { name, component in
            stores.webhookConfigurations[ObjectKey(name: name)] == nil ? nil : component
        }
        switch components.vaultInjector {
        case .absent: break
        case .present: names.append("Vault injector")
        case .runsFirst(let configuration): names.append("Vault injector (\(configuration), runs before Lanyard)")
        }
        if components.hasSecretProviderClasses { names.append("Secrets Store CSI driver") }
        if components.hasExternalSecrets { names.append("External Secrets Operator") }
        let daemonSets = workloads.workloads.first { $0.kind == .daemonSet }
        if daemonSets?[Self.podIdentityAgent] != nil { names.append("EKS Pod Identity agent") }
        self.names = names.sorted()
    }
}
