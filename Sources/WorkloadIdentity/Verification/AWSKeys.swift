/// A session's credentials at AWS, of which nothing is shown.
public struct AWSKeys: Hashable, Sendable {
    let id: String
    let secret: SecretText
    let sessionToken: SecretText?

    init(id: String, secret: SecretText, sessionToken: SecretText? = nil) {
        self.id = id
        self.secret = secret
        self.sessionToken = sessionToken
    }

    /// Those that STS has given.
    init?(_ answer: ExchangeAnswer) {
        guard let id = answer.element("AccessKeyId"), let secret = answer.element("SecretAccessKey"),
            let token = answer.element("SessionToken")
        else { return nil }
        self.init(id: id, secret: SecretText(secret), sessionToken: SecretText(token))
    }
}
