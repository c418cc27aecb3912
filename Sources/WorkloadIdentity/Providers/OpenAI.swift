// OpenAI. The variable: https://platform.openai.com/docs/libraries

extension Provider {
    static let openAI = Provider("openai", title: "OpenAI", apiKey: APIKey(variable: "OPENAI_API_KEY"))
}
