from bytegolf.cli.app import main

main()
