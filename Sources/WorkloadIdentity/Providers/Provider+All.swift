extension Provider {
    /// The providers with files of their own, in the order in which the matrix shows them.
    static let builtIn: [Provider] = [
        .awsBedrock, .azureOpenAI, .googleVertex, .ibmWatsonx, .oracleGenAI, .alibabaModelStudio, .openAI, .anthropic,
    ]

    /// Providers that take an API key and nothing else: the variable that each one's own SDK reads.
    static let catalogue: [Provider] = [
        Provider("cohere", title: "Cohere", apiKey: APIKey(variable: "CO_API_KEY")),
        Provider("groq", title: "Groq", apiKey: APIKey(variable: "GROQ_API_KEY")),
        Provider("mistral", title: "Mistral AI", apiKey: APIKey(variable: "MISTRAL_API_KEY")),
        Provider("together", title: "Together AI", apiKey: APIKey(variable: "TOGETHER_API_KEY")),
    ]

    /// Every provider that may be asked for, those of the configuration included.
    public static func all(_ configuration: Configuration) -> [Provider] {
        let known = builtIn + catalogue
        let names = Set(known.map(\.name))
        let configured = configuration.providers.sorted { $0.key < $1.key }
        return known.map { provider in
            var provider = provider
            if let apiKey = configuration.providers[provider.name] { provider.apiKey = apiKey }
            return provider
        }
            + configured.filter { !names.contains($0.key) }.map { name, apiKey in
                Provider(name, title: name.rawValue, apiKey: apiKey)
            }
    }
}
