extension ClusterConfiguration {
    /// Where kubelet puts a pod's own credentials.
    public static let inClusterDirectory = "/var/run/secrets/kubernetes.io/serviceaccount"

    /// What a pod is given to reach the API server of its cluster.
    ///
    /// The token and the CAs are read again while the program runs, since kubelet renews them.
    ///
    /// - Returns: `nil` if this program does not run in a pod.
    /// - Throws: a ``ConfigurationError`` if it does, and something is missing.
    public static func inCluster(
        environment: [String: String], directory: String = ClusterConfiguration.inClusterDirectory
    ) throws -> ClusterConfiguration? {
        guard let host = environment["KUBERNETES_SERVICE_HOST"], !host.isEmpty else { return nil }
        guard let port = environment["KUBERNETES_SERVICE_PORT"], Int(port) != nil else {
            throw ConfigurationError(
                source: "KUBERNETES_SERVICE_PORT",
                message: "expected a port's number, since KUBERNETES_SERVICE_HOST is set")
        }
        let token = "\(directory)/token"
        _ = try contents(of: token)
        let namespace = try contents(of: "\(directory)/namespace")
        let authorities = "\(directory)/ca.crt"
        var configuration = ClusterConfiguration(
            server: "https://\(host.contains(":") ? "[\(host)]" : host):\(port)",
            certificateAuthority: try contents(of: authorities),
            credentials: Credentials(token: .file(token)),
            namespace: String(decoding: namespace, as: UTF8.self))
        configuration.certificateAuthorityFile = authorities
        return configuration
    }

    private static func contents(of path: String) throws -> [UInt8] {
        do {
            return try FileContents.read(path)
        } catch {
            throw ConfigurationError(
                source: path,
                message: "\(error.message). A pod gets this file unless automountServiceAccountToken is false")
        }
    }
}
