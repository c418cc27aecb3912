extension Binding {
    /// Chooses a provider's mechanism; and where what the pod says would have an object made, takes the ServiceAccount's word alone.
    ///
    /// Such an object has a key copied with the rights of the cluster's own store, which whoever may create a pod need not
    /// have. Namespaces in which pods may ask all the same are listed in `externalSecrets.podAnnotations`.
    static func resolved(_ provider: Provider, cell: [Mechanism], _ request: BindingRequest) -> Binding {
        let asked = Binding(provider, cell: cell, request)
        let mayPodsAsk = request.configuration.externalSecrets.podAnnotations.contains(request.subject.namespace)
        guard asked.makesObject, !mayPodsAsk else { return asked }
        let keys = request.inputs.keysOfPodAlone(among: AnnotationKey.ofStoredKey(of: provider.name))
        guard !keys.isEmpty else { return asked }

        var served = Binding(provider, cell: cell, request.takingServiceAccountAlone(for: keys))
        if served.reachesModel {
            // A role is no matter to a delivery that has none.
            if served.outcomes != asked.outcomes {
                served.problems.append(request.onServiceAccountOnly(keys, .warning))
            }
        } else {
            // What the ServiceAccount lacks is what the pod has in its place.
            served.problems.removeAll { [.noMechanism, .modelNotReachable].contains($0.reason) }
            served.problems.append(request.onServiceAccountOnly(keys, .error))
        }
        return served
    }
}

extension AnnotationKey {
    /// The keys that say which stored key is meant, and how it is delivered.
    fileprivate static func ofStoredKey(of provider: ProviderName) -> [AnnotationKey] {
        [.vaultPath(of: provider), .vaultKey(of: provider), .vaultRole, .secretDelivery, .mechanism(of: provider)]
    }
}

extension BindingRequest {
    fileprivate func takingServiceAccountAlone(for keys: [AnnotationKey]) -> BindingRequest {
        var request = self
        request.inputs.takeServiceAccountAlone(for: keys)
        request.forced = request.inputs[.mechanism(of: provider)].flatMap(Mechanism.init(rawValue:))
        return request
    }

    fileprivate func onServiceAccountOnly(_ keys: [AnnotationKey], _ severity: Problem.Severity) -> Problem {
        let names = keys.map(\.name).joined(separator: " and ")
        // The values are valid ones, none of which a shell would read as anything else.
        let annotations = keys.compactMap { key in inputs[key].map { "\(key.name)=\($0)" } }.joined(separator: " ")
        return Problem(
            severity, .onServiceAccountOnly,
            """
            \(provider): the pod's \(names) \(keys.count == 1 ? "is" : "are") ignored: a delivery that makes an object \
            takes them from the ServiceAccount only; to set them there, run: kubectl annotate --overwrite serviceaccount \
            \(subject.serviceAccount) -n \(subject.namespace) \(annotations)
            """,
            field: keys.first?.name, provider: provider)
    }
}
