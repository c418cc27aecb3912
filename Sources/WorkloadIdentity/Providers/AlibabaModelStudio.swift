// Alibaba Cloud Model Studio. Models take an API key only:
// https://www.alibabacloud.com/help/en/model-studio/get-api-key

extension Provider {
    static let alibabaModelStudio = Provider(
        "alibaba-modelstudio", title: "Alibaba Cloud Model Studio", apiKey: APIKey(variable: "DASHSCOPE_API_KEY"))
}
