internal import KubernetesClient
internal import KubernetesModel
internal import Logging
internal import WorkloadIdentity

extension PlatformFacts {
    /// The facts with the audiences of this program's own token, which the API server takes. Without a pod there is none.
    func withOwnAudiences(_ configuration: Configuration, _ logger: Logger) -> PlatformFacts {
        var facts = self
        if ProcessEnvironment.variables["KUBERNETES_SERVICE_HOST"] != nil,
            let token = try? InputFile.text(of: "\(ClusterConfiguration.inClusterDirectory)/token")
        {
            facts.apiServerAudiences = ServiceAccountToken.audiences(of: String(token.prefix { !$0.isWhitespace }))
        }
        if let audience = configuration.vault.audience, facts.isAudienceOfAPIServer(audience) {
            logger.warning(
                "vault.audience is an audience of the API server's own: Vault can act there with the tokens that it gets",
                metadata: ["vault.audience": "\(audience)"])
        }
        return facts
    }
}
