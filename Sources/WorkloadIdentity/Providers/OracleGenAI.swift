// Oracle Generative AI. No SDK of Oracle's reads an API key from the environment: the name is a convention of ours.

extension Provider {
    static let oracleGenAI = Provider(
        "oracle-genai", title: "Oracle Generative AI", apiKey: APIKey(variable: "OCI_GENAI_API_KEY"))
}
