/// A way in which a stored key gets to a pod.
protocol SecretDelivery: CredentialMechanism {
    var provider: ProviderName { get }
    var apiKey: APIKey { get }
}

extension SecretDelivery {
    func tier(on platform: Platform) -> Tier { .vault }

    var decisiveKeys: [AnnotationKey] { [.secretDelivery, .vaultRole, .vaultKey(of: provider)] }

    /// Where the key is stored: the secret's path, and the field in it.
    func storedKey(_ inputs: Inputs, _ missing: inout [String]) -> (path: String, field: String)? {
        guard let path = inputs[.vaultPath(of: provider)] else {
            missing.append(inputs.missing(.vaultPath(of: provider)))
            return nil
        }
        return (path, inputs[.vaultKey(of: provider)] ?? apiKey.vaultKey)
    }
}
