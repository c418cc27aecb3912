// IBM watsonx.ai. The variable: IBM's SDK core reads <SERVICE>_APIKEY.
// https://github.com/IBM/ibm-cloud-sdk-common#using-external-configuration

extension Provider {
    static let ibmWatsonx = Provider(
        "ibm-watsonx", title: "IBM watsonx.ai", apiKey: APIKey(variable: "WATSONX_APIKEY"))
}
