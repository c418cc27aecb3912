/// A vendor's own store of secrets, from which the External Secrets Operator can read in place of Vault.
protocol SecretStore: Sendable {
    /// What has to be set up for it. `nil`: it is not worth showing for this provider on this platform.
    func setUp(_ request: SetUpRequest) -> SetUp?
}
