extension SetUp {
    /// Switches on what providers need of the cluster's issuer, and reads it.
    static func cluster(_ use: IssuerUse, _ facts: PlatformFacts) -> SetUp {
        let issuer = Variable(
            "ISSUER", facts.issuer.url,
            or: .expression("$(kubectl get --raw /.well-known/openid-configuration | jq -r .issuer)"))
        switch use {
        case .unused: return SetUp()
        case .named: return SetUp(variables: [issuer])
        case .fetched(let readers):
            let reader = readers.listed
            let isPublic = facts.issuer.reach == .public
            var setUp = isPublic ? SetUp() : facts.platform.publicIssuer(for: reader)
            if isPublic || facts.issuer.url != nil {
                setUp.variables.insert(issuer, at: 0)
            } else {
                // Switching it on changes it.
                setUp.steps.append(
                    Step(
                        "The issuer, as it stands in tokens.",
                        "ISSUER=$(kubectl get --raw /.well-known/openid-configuration | jq -r .issuer)"))
            }
            setUp.steps.append(
                Step(
                    "This must work from the internet: \(reader) will do the same.",
                    #"curl --fail --silent --show-error "${ISSUER%/}/.well-known/openid-configuration""#))
            return setUp
        }
    }
}
